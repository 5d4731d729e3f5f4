//! The families in single precision that are more than a chain.

use std::collections::BTreeSet;

use super::classical::{channels, enlarged, shuffled};
use super::graph::{Builder, Constant, Told};
use super::proto::Graph;
use super::{INPUT, OUTPUT, begin, bounded, luma_only};
use crate::{Artefact, Error, Precision, Result};

/// ONNX' number of single precision.
const FLOAT: i64 = 1;

/// A convolution, but for its weights.
#[derive(Clone, Copy)]
struct Conv {
    kernel: usize,
    stride: usize,
    /// Each channel by itself.
    depthwise: bool,
    relu: bool,
}

const PLAIN: Conv = Conv {
    kernel: 3,
    stride: 1,
    depthwise: false,
    relu: false,
};

const RELU: Conv = Conv {
    relu: true,
    ..PLAIN
};

/// Depthwise-separable convolutions between two plain ones.
pub(super) fn lightweight(artefact: &Artefact) -> Result<Graph> {
    let (window, scale) = (odd_window(artefact)?, artefact.card.scale as usize);
    let mut it = Writer::new(artefact, window)?;
    let (width, blocks) = (it.size("channels")?, it.size("blocks")?);
    let base = it.base(window / 2);
    let mut x = it.conv("first", "first", INPUT, (window, width), RELU)?;
    for block in 0..blocks {
        let name = format!("blocks.{block}.depthwise");
        let depthwise = Conv {
            depthwise: true,
            ..PLAIN
        };
        x = it.conv(&name, &name, &x, (width, width), depthwise)?;
        let name = format!("blocks.{block}.pointwise");
        let pointwise = Conv { kernel: 1, ..RELU };
        x = it.conv(&name, &name, &x, (width, width), pointwise)?;
    }
    it.finish(&base, &x, (width, scale))
}

/// Features of each picture, those of the others moved to where the middle one has them.
pub(super) fn super_resolution(artefact: &Artefact) -> Result<Graph> {
    let (window, scale) = (odd_window(artefact)?, artefact.card.scale as usize);
    let mut it = Writer::new(artefact, window)?;
    let (width, blocks) = (it.size("features")?, it.size("blocks")?);
    let (middle, half) = (window / 2, (width / 2).max(1));
    let base = it.base(middle);
    let mut found = Vec::new();
    for number in 0..window {
        let picture = it.picture(number);
        found.push(it.conv(
            "extract",
            &format!("extract.{number}"),
            &picture,
            (1, width),
            RELU,
        )?);
    }
    let places = it.places();
    let mut aligned = Vec::new();
    for (number, other) in found.iter().enumerate() {
        if number == middle {
            aligned.push(other.clone());
            continue;
        }
        let named = |part: &str| format!("motion.{number}.{part}");
        let both = it.joined(&named("both"), &[&found[middle], other]);
        let x = it.conv(
            "motion.first",
            &named("first"),
            &both,
            (2 * width, width),
            RELU,
        )?;
        let x = it.conv("motion.second", &named("second"), &x, (width, half), RELU)?;
        let flow = it.conv("motion.last", &named("last"), &x, (half, 2), PLAIN)?;
        aligned.push(it.fetched(&named("fetched"), other, &flow, &places));
    }
    let aligned: Vec<&str> = aligned.iter().map(|it| &it[..]).collect();
    let all = it.joined("aligned", &aligned);
    let mut x = it.conv(
        "aggregate",
        "aggregate",
        &all,
        (window * width, width),
        RELU,
    )?;
    for block in 0..blocks {
        x = it.residual(&format!("blocks.{block}"), &x, width)?;
    }
    it.finish(&base, &x, (width, scale))
}

/// A spatial encoder of the damaged picture, a temporal one of those before it, both put together at half
/// size.
pub(super) fn frame_recovery(artefact: &Artefact) -> Result<Graph> {
    let count = bounded(&artefact.card, "references", 1, 64)?;
    let mut it = Writer::new(artefact, count + 2)?;
    let (width, blocks) = (it.size("features")?, it.size("blocks")?);
    if artefact.card.scale != 1 || width < 2 {
        return Err(Error::Card {
            reason: format!("scale {} and {width} features", artefact.card.scale),
        });
    }
    let (half, few) = (2 * width, width / 2);
    let picture = it.picture(0);
    let references: Vec<String> = (1..=count).map(|number| it.picture(number)).collect();
    let lost = it.picture(count + 1);
    let change = it.node("Sub", "copied.change", &[&references[count - 1], &picture]);
    let change = it.node("Mul", "copied.lost", &[&change, &lost]);
    let copied = it.node("Add", "copied", &[&picture, &change]);

    let x = it.joined("entering", &[&picture, &copied, &lost]);
    let mut x = it.conv("enter", "enter", &x, (3, width), RELU)?;
    for block in 0..2 {
        x = it.residual(&format!("at_full.{block}"), &x, width)?;
    }
    let halves = Conv { stride: 2, ..RELU };
    x = it.conv("down", "down", &x, (width, half), halves)?;
    for block in 0..blocks {
        x = it.residual(&format!("spatial.{block}"), &x, half)?;
    }

    let mut frames = references;
    let steps = [
        ((1, few), halves),
        ((few, width), RELU),
        ((width, width), RELU),
    ];
    for (step, ((inputs, outputs), conv)) in steps.into_iter().enumerate() {
        let mut next = Vec::new();
        for at in 0..count {
            let named = |part: &str| format!("temporal.{step}.{at}.{part}");
            let (before, after) = (at.saturating_sub(1), (at + 1).min(count - 1));
            let three = [before, at, after].map(|at| &frames[at][..]);
            let three = it.joined(&named("three"), &three);
            let layer = format!("temporal.{step}.conv");
            next.push(it.conv(&layer, &named("conv"), &three, (3 * inputs, outputs), conv)?);
        }
        frames = next;
    }
    let frames: Vec<&str> = frames.iter().map(|it| &it[..]).collect();
    let temporal = it.node("Mean", "temporal", &frames);

    let both = it.joined("fusing", &[&x, &temporal]);
    x = it.conv("fuse", "fuse", &both, (half + width, half), RELU)?;
    for block in 0..blocks {
        x = it.residual(&format!("refine.{block}"), &x, half)?;
    }
    x = it.conv("up", "up", &x, (half, 4 * few), PLAIN)?;
    x = shuffled(&mut it.builder, "shuffled", x, 2);
    let last = it.conv("last", "last", &x, (few, 2), PLAIN)?;
    let corrections = channels(&mut it.builder, "corrections", &last, 0, 1);
    let more = channels(&mut it.builder, "more", &last, 1, 1);
    let more = it.node("Mul", "more.change", &[&more, &change]);
    let corrected = it.node("Add", "corrected", &[&copied, &corrections]);
    it.node("Add", OUTPUT, &[&corrected, &more]);
    Ok(it.builder.finish())
}

fn odd_window(artefact: &Artefact) -> Result<usize> {
    let window = bounded(&artefact.card, "window", 1, 63)?;
    match window % 2 {
        1 => Ok(window),
        _ => Err(Error::Card {
            reason: format!("a window of {window} has no middle"),
        }),
    }
}

/// Where each pixel is, on the scale of `GridSample`.
struct Places {
    columns: String,
    rows: String,
    across: String,
    down: String,
    two: String,
}

struct Writer<'a> {
    builder: Builder,
    artefact: &'a Artefact,
    /// Layers whose weights are written: some are used more than once.
    written: BTreeSet<String>,
}

impl Writer<'_> {
    fn new(artefact: &Artefact, channels: usize) -> Result<Writer<'_>> {
        let card = &artefact.card;
        luma_only(card)?;
        if card.precision != Precision::Fp32 {
            return Err(Error::Unsupported {
                what: format!("{} has no ONNX form in {}", card.family, card.precision),
                hint: Some("export it in fp32".into()),
            });
        }
        Ok(Writer {
            builder: begin(card, channels),
            artefact,
            written: BTreeSet::new(),
        })
    }

    fn size(&self, name: &str) -> Result<usize> {
        bounded(&self.artefact.card, name, 1, 4096)
    }

    fn node(&mut self, operator: &str, name: &str, inputs: &[&str]) -> String {
        self.builder.node(operator, name, inputs, &[])
    }

    /// One of what goes in.
    fn picture(&mut self, number: usize) -> String {
        let name = format!("picture.{number}");
        channels(&mut self.builder, &name, INPUT, number, 1)
    }

    /// One of what goes in, by the classical upscaler.
    fn base(&mut self, number: usize) -> String {
        let picture = channels(&mut self.builder, "base.frame", INPUT, number, 1);
        enlarged(
            &mut self.builder,
            &picture,
            self.artefact.card.scale as usize,
        )
    }

    /// Channels of several values.
    fn joined(&mut self, name: &str, values: &[&str]) -> String {
        match values {
            [one] => (*one).into(),
            all => self
                .builder
                .node("Concat", name, all, &[("axis", Told::Int(1))]),
        }
    }

    /// A convolution of the network, at one of the places where it is used.
    fn conv(
        &mut self,
        layer: &str,
        name: &str,
        input: &str,
        (inputs, outputs): (usize, usize),
        conv: Conv,
    ) -> Result<String> {
        let (groups, each) = match conv.depthwise {
            true => (inputs, 1),
            false => (1, inputs),
        };
        let (weight, bias) = (format!("{layer}.weight"), format!("{layer}.bias"));
        if self.written.insert(layer.into()) {
            let shape = [outputs, each, conv.kernel, conv.kernel];
            let numbers = self.artefact.shaped(&weight, &shape)?.as_f32()?;
            self.builder
                .constant(&weight, &shape, Constant::F32(numbers));
            let numbers = self.artefact.shaped(&bias, &[outputs])?.as_f32()?;
            self.builder
                .constant(&bias, &[outputs], Constant::F32(numbers));
        }
        let (size, edge) = (conv.kernel as i64, (conv.kernel / 2) as i64);
        let told = [
            ("kernel_shape", Told::Ints(&[size; 2])),
            ("pads", Told::Ints(&[edge; 4])),
            ("strides", Told::Ints(&[conv.stride as i64; 2])),
            ("group", Told::Int(groups as i64)),
        ];
        let inputs = [input, &weight, &bias];
        let sums = self
            .builder
            .node("Conv", &format!("{name}.sums"), &inputs, &told);
        Ok(match conv.relu {
            true => self.node("Relu", &format!("{name}.relu"), &[&sums]),
            false => sums,
        })
    }

    fn residual(&mut self, name: &str, input: &str, width: usize) -> Result<String> {
        let (first, second) = (format!("{name}.first"), format!("{name}.second"));
        let x = self.conv(&first, &first, input, (width, width), RELU)?;
        let x = self.conv(&second, &second, &x, (width, width), PLAIN)?;
        Ok(self.node("Add", &format!("{name}.sum"), &[&x, input]))
    }

    /// Places count from -1 to 1, from edge to edge of the outermost pixels.
    fn places(&mut self) -> Places {
        let one = self
            .builder
            .constant("place.one", &[], Constant::F32(&[1.0]));
        let two = self
            .builder
            .constant("place.two", &[], Constant::F32(&[2.0]));
        let from = self
            .builder
            .constant("place.from", &[], Constant::I64(&[0]));
        let step = self
            .builder
            .constant("place.step", &[], Constant::I64(&[1]));
        let mut along = |name: &str, axis: i64| {
            let named = |part: &str| format!("place.{name}.{part}");
            let ends = [("start", Told::Int(axis)), ("end", Told::Int(axis + 1))];
            let sizes = self.builder.node("Shape", &named("sizes"), &[INPUT], &ends);
            let size = self.node("Squeeze", &named("size"), &[&sizes]);
            let numbers = self.node("Range", &named("numbers"), &[&from, &size, &step]);
            let float = || [("to", Told::Int(FLOAT))];
            let count = self
                .builder
                .node("Cast", &named("count"), &[&size], &float());
            let x = self
                .builder
                .node("Cast", &named("pixels"), &[&numbers], &float());
            let x = self.node("Mul", &named("twice"), &[&x, &two]);
            let x = self.node("Add", &named("middles"), &[&x, &one]);
            let x = self.node("Div", &named("shares"), &[&x, &count]);
            (self.node("Sub", &named("centred"), &[&x, &one]), count)
        };
        let (columns, across) = along("columns", 3);
        let (rows, down) = along("rows", 2);
        let axis = self
            .builder
            .constant("place.axis", &[1], Constant::I64(&[1]));
        let rows = self.node("Unsqueeze", "place.down", &[&rows, &axis]);
        Places {
            columns,
            rows,
            across,
            down,
            two,
        }
    }

    /// Each pixel from where a flow says that it is, in columns and rows.
    fn fetched(&mut self, name: &str, from: &str, flow: &str, places: &Places) -> String {
        let named = |part: &str| format!("{name}.{part}");
        let mut place = |part: &str, channel: usize, count: &str, middles: &str| {
            let pixels = channels(&mut self.builder, &named(part), flow, channel, 1);
            let twice = self.node(
                "Mul",
                &named(&format!("{part}.twice")),
                &[&pixels, &places.two],
            );
            let share = self.node("Div", &named(&format!("{part}.share")), &[&twice, count]);
            self.node("Add", &named(&format!("{part}.place")), &[&share, middles])
        };
        let x = place("columns", 0, &places.across, &places.columns);
        let y = place("rows", 1, &places.down, &places.rows);
        let both = self.joined(&named("both"), &[&x, &y]);
        let last = [("perm", Told::Ints(&[0, 2, 3, 1]))];
        let grid = self
            .builder
            .node("Transpose", &named("grid"), &[&both], &last);
        let told = [
            ("mode", Told::Word("bilinear")),
            ("padding_mode", Told::Word("border")),
            ("align_corners", Told::Int(0)),
        ];
        self.builder.node("GridSample", name, &[from, &grid], &told)
    }

    /// The last layer's corrections, added to what the network is given for nothing.
    fn finish(mut self, base: &str, input: &str, (width, scale): (usize, usize)) -> Result<Graph> {
        let squares = self.conv("last", "last", input, (width, scale * scale), PLAIN)?;
        let corrections = shuffled(&mut self.builder, "corrections", squares, scale);
        self.node("Add", OUTPUT, &[base, &corrections]);
        Ok(self.builder.finish())
    }
}
