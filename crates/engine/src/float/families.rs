//! From artefacts to plans: what each family of networks does.

use nervure_kernels::Isa;
use nervure_kernels::conv::{Fetch, Sums};
use nervure_kernels::int8::lanczos_lobes;
use nervure_record::{Artefact, Family, Planes, Precision};

use super::plan::{Part, Plan, Tap, Work};

/// A network that an artefact holds, and what it is given.
pub(super) struct Made {
    pub(super) plan: Plan,
    /// Pictures that it is given at once.
    pub(super) window: usize,
    /// Which of them it works on.
    pub(super) target: usize,
}

/// Pictures as a network that mends is given them: the damaged one; the same with the last reference
/// where it is lost, which it begins with; where that is; and how far the second is from the first.
/// References follow, in their order.
pub(super) const PICTURE: usize = 0;
pub(super) const COPIED: usize = 1;
pub(super) const LOST: usize = 2;
pub(super) const CHANGE: usize = 3;
pub(super) const REFERENCES: usize = 4;

/// More than any network has of anything.
const MOST: usize = 1024;

/// Of an artefact, or why it cannot be.
pub(super) fn plan(artefact: &Artefact, isa: Isa) -> Result<Made, String> {
    let card = &artefact.card;
    if card.precision != Precision::Fp32 {
        return Err(format!(
            "it is in {}, not in single precision",
            card.precision
        ));
    }
    if card.planes != Planes::Luma {
        return Err(format!("it works on {}, and only luma is run", card.planes));
    }
    let scale = card.scale as usize;
    let mut build = Build {
        artefact,
        isa,
        plan: Plan {
            scale,
            ..Plan::default()
        },
    };
    let (window, target) = match card.family {
        Family::ResidualEspcn => build.espcn(scale)?,
        Family::LightweightSuperResolution => build.lightweight(scale)?,
        Family::SuperResolution => build.super_resolution(scale)?,
        Family::FrameRecovery => build.recovery(scale)?,
    };
    Ok(Made {
        plan: build.plan,
        window,
        target,
    })
}

struct Build<'a> {
    artefact: &'a Artefact,
    isa: Isa,
    plan: Plan,
}

/// A convolution, but for its weights.
#[derive(Clone, Copy)]
struct Conv {
    kernel: usize,
    /// The output is half as large: inputs have been split by columns.
    halves: bool,
    /// Each channel by itself.
    depthwise: bool,
    relu: bool,
    to: Option<usize>,
}

const PLAIN: Conv = Conv {
    kernel: 3,
    halves: false,
    depthwise: false,
    relu: false,
    to: None,
};

const RELU: Conv = Conv {
    relu: true,
    ..PLAIN
};

impl Build<'_> {
    fn size(&self, name: &str) -> Result<usize, String> {
        let size = self.artefact.card.parameter(name);
        match size.map_err(|error| error.to_string())? {
            size @ 1..=MOST => Ok(size),
            size => Err(format!("{size} {name}")),
        }
    }

    fn numbers(&self, name: &str, shape: &[usize]) -> Result<&[f32], String> {
        let tensor = self.artefact.shaped(name, shape);
        let numbers = tensor.and_then(|tensor| tensor.as_f32());
        numbers.map_err(|error| error.to_string())
    }

    fn channels(&self, tensor: usize) -> usize {
        self.plan.tensors[tensor].channels
    }

    /// Pictures as channels.
    fn enter(&mut self, pictures: Vec<usize>) -> usize {
        let channels = pictures.len();
        let work = Work::Enter {
            pictures,
            repeat: false,
        };
        self.plan.push(channels, (1, 1), work)
    }

    /// The convolution called `name` of some tensors.
    fn conv(
        &mut self,
        name: &str,
        inputs: &[usize],
        outputs: usize,
        conv: Conv,
    ) -> Result<usize, String> {
        let Conv {
            kernel, depthwise, ..
        } = conv;
        // A split tensor has two for each channel.
        let split = 1 + usize::from(conv.halves);
        let channels = |input: &usize| self.channels(*input) / split;
        let all: usize = inputs.iter().map(channels).sum();
        let (groups, each) = match depthwise {
            true => (all, 1),
            false => (1, all),
        };
        let shape = [outputs, each, kernel, kernel];
        let weights = self.numbers(&format!("{name}.weight"), &shape)?;
        let bias = self.numbers(&format!("{name}.bias"), &[outputs])?.to_vec();
        let area = kernel * kernel;
        let mut parts = Vec::new();
        let mut first = 0;
        for input in inputs {
            let count = match depthwise {
                true => 1,
                false => channels(input),
            };
            let rows = weights.chunks_exact(each * area);
            let own: Vec<f32> = rows
                .flat_map(|row| &row[first * area..][..count * area])
                .copied()
                .collect();
            first += count;
            parts.push(Part {
                input: *input,
                sums: Sums::new(self.isa, groups, outputs, &own),
                taps: taps(count, kernel, conv.halves),
                group: 1,
                step: split,
            });
        }
        let (rows, columns) = self.plan.tensors[inputs[0]].down;
        let work = Work::Conv {
            parts,
            bias,
            relu: conv.relu,
            to: conv.to,
        };
        // Columns are halved already where they are split.
        Ok(self.plan.push(outputs, (rows * split, columns), work))
    }

    fn residual(&mut self, name: &str, input: usize) -> Result<usize, String> {
        let channels = self.channels(input);
        let first = self.conv(&format!("{name}.first"), &[input], channels, RELU)?;
        let second = Conv {
            to: Some(input),
            ..PLAIN
        };
        self.conv(&format!("{name}.second"), &[first], channels, second)
    }

    fn split(&mut self, input: usize) -> usize {
        let (rows, columns) = self.plan.tensors[input].down;
        let channels = 2 * self.channels(input);
        let work = Work::Split { input };
        self.plan.push(channels, (rows, 2 * columns), work)
    }

    /// The classical upscaler, squares of samples as channels.
    fn lanczos(&mut self, picture: usize, scale: usize) -> usize {
        let enter = Work::Enter {
            pictures: vec![picture],
            repeat: true,
        };
        let input = self.plan.push(1, (1, 1), enter);
        let phases: Vec<[f32; 7]> = (0..scale)
            .map(|phase| lanczos_lobes(phase, scale).map(|lobe| lobe as f32))
            .collect();
        let mut weights = Vec::new();
        for down in &phases {
            for across in &phases {
                for vertical in down {
                    weights.extend(across.iter().map(|horizontal| vertical * horizontal));
                }
            }
        }
        let squares = scale * scale;
        let part = Part {
            input,
            sums: Sums::new(self.isa, 1, squares, &weights),
            taps: taps(1, 7, false),
            group: 1,
            step: 1,
        };
        let work = Work::Conv {
            parts: vec![part],
            bias: vec![0.0; squares],
            relu: false,
            to: None,
        };
        let base = self.plan.push(squares, (1, 1), work);
        self.plan.classical = Some(base);
        base
    }

    fn espcn(&mut self, scale: usize) -> Result<(usize, usize), String> {
        let (channels, layers) = (self.size("channels")?, self.size("layers")?);
        let frames = self.size("frames")?;
        if layers < 2 {
            return Err(format!("{layers} layers"));
        }
        let base = self.lanczos(frames - 1, scale);
        let mut x = self.enter((0..frames).collect());
        for layer in 0..layers - 1 {
            x = self.conv(&format!("convs.{layer}"), &[x], channels, RELU)?;
        }
        let last = Conv {
            to: Some(base),
            ..PLAIN
        };
        let name = format!("convs.{}", layers - 1);
        self.plan.result = self.conv(&name, &[x], scale * scale, last)?;
        Ok((frames, frames - 1))
    }

    fn lightweight(&mut self, scale: usize) -> Result<(usize, usize), String> {
        let (window, channels) = (self.window()?, self.size("channels")?);
        let base = self.lanczos(window / 2, scale);
        let mut x = self.enter((0..window).collect());
        x = self.conv("first", &[x], channels, RELU)?;
        for block in 0..self.size("blocks")? {
            let depthwise = Conv {
                depthwise: true,
                ..PLAIN
            };
            x = self.conv(
                &format!("blocks.{block}.depthwise"),
                &[x],
                channels,
                depthwise,
            )?;
            let pointwise = Conv { kernel: 1, ..RELU };
            x = self.conv(
                &format!("blocks.{block}.pointwise"),
                &[x],
                channels,
                pointwise,
            )?;
        }
        self.last(x, base, scale * scale)?;
        Ok((window, window / 2))
    }

    fn super_resolution(&mut self, scale: usize) -> Result<(usize, usize), String> {
        let (window, features) = (self.window()?, self.size("features")?);
        let middle = window / 2;
        let base = self.lanczos(middle, scale);
        let mut found = Vec::new();
        for picture in 0..window {
            let picture = self.enter(vec![picture]);
            found.push(self.conv("extract", &[picture], features, RELU)?);
        }
        let extract = (
            self.numbers("extract.weight", &[features, 1, 3, 3])?,
            self.numbers("extract.bias", &[features])?,
        );
        let fetch = Fetch::new(self.isa, extract.0, extract.1);
        let mut aligned = Vec::new();
        for (picture, other) in found.iter().enumerate() {
            if picture == middle {
                aligned.push(*other);
                continue;
            }
            let both = [found[middle], *other];
            let half = (features / 2).max(1);
            let x = self.conv("motion.first", &both, features, RELU)?;
            let x = self.conv("motion.second", &[x], half, RELU)?;
            let flow = self.conv("motion.last", &[x], 2, PLAIN)?;
            let work = Work::Warp {
                flow,
                picture,
                fetch: fetch.clone(),
            };
            aligned.push(self.plan.push(features, (1, 1), work));
        }
        let mut x = self.conv("aggregate", &aligned, features, RELU)?;
        for block in 0..self.size("blocks")? {
            x = self.residual(&format!("blocks.{block}"), x)?;
        }
        self.last(x, base, scale * scale)?;
        Ok((window, middle))
    }

    fn recovery(&mut self, scale: usize) -> Result<(usize, usize), String> {
        if scale != 1 {
            return Err(format!("it mends, and makes pictures {scale} times larger"));
        }
        let (count, features) = (self.size("references")?, self.size("features")?);
        let (half, blocks) = (2 * features, self.size("blocks")?);
        if features < 2 {
            return Err(format!("{features} features"));
        }
        let halves = Conv {
            halves: true,
            ..RELU
        };
        let mut x = self.enter(vec![PICTURE, COPIED, LOST]);
        x = self.conv("enter", &[x], features, RELU)?;
        for block in 0..2 {
            x = self.residual(&format!("at_full.{block}"), x)?;
        }
        x = self.split(x);
        x = self.conv("down", &[x], half, halves)?;
        for block in 0..blocks {
            x = self.residual(&format!("spatial.{block}"), x)?;
        }

        let mut frames: Vec<usize> = (0..count)
            .map(|reference| {
                let picture = self.enter(vec![REFERENCES + reference]);
                self.split(picture)
            })
            .collect();
        let steps = [(features / 2, halves), (features, RELU), (features, RELU)];
        for (number, (outputs, conv)) in steps.into_iter().enumerate() {
            let name = format!("temporal.{number}.conv");
            let before = frames.clone();
            for (at, frame) in frames.iter_mut().enumerate() {
                let three = [
                    before[at.saturating_sub(1)],
                    before[at],
                    before[(at + 1).min(count - 1)],
                ];
                *frame = self.conv(&name, &three, outputs, conv)?;
            }
        }
        let mean = Work::Mean { inputs: frames };
        let temporal = self.plan.push(features, (2, 2), mean);

        x = self.conv("fuse", &[x, temporal], half, RELU)?;
        for block in 0..blocks {
            x = self.residual(&format!("refine.{block}"), x)?;
        }
        let quarter = features / 2;
        x = self.conv("up", &[x], 4 * quarter, PLAIN)?;
        let work = Work::Shuffle {
            input: x,
            factor: 2,
        };
        x = self.plan.push(quarter, (1, 1), work);
        let last = self.conv("last", &[x], 2, PLAIN)?;
        let from = self.enter(vec![COPIED, CHANGE]);
        self.plan.result = self.plan.push(1, (1, 1), Work::Mend { from, last });
        Ok((count + 1, count))
    }

    /// The layer that gives the corrections, added to the base.
    fn last(&mut self, input: usize, base: usize, outputs: usize) -> Result<(), String> {
        let last = Conv {
            to: Some(base),
            ..PLAIN
        };
        self.plan.result = self.conv("last", &[input], outputs, last)?;
        Ok(())
    }

    fn window(&self) -> Result<usize, String> {
        match self.size("window")? {
            window if window % 2 == 0 => Err(format!("a window of {window} has no middle")),
            window => Ok(window),
        }
    }
}

/// In the order of weights: input, row, column.
fn taps(channels: usize, kernel: usize, halves: bool) -> Vec<Tap> {
    let reach = (kernel / 2) as isize;
    let mut taps = Vec::new();
    for channel in 0..channels {
        for row in -reach..=reach {
            for column in -reach..=reach {
                taps.push(match halves {
                    // Even columns lie in one channel, odd ones in the next.
                    true => Tap {
                        channel: 2 * channel + column.rem_euclid(2) as usize,
                        row,
                        column: column.div_euclid(2),
                    },
                    false => Tap {
                        channel,
                        row,
                        column,
                    },
                });
            }
        }
    }
    taps
}
