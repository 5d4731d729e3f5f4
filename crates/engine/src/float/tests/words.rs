//! Networks as they are defined, on whole pictures, one layer after the other.

use nervure_frame::{LossMask, MACROBLOCK, Plane};
use nervure_kernels::conv::{Shape, reference};
use nervure_kernels::int8::lanczos_lobes;
use nervure_kernels::motion::mended;
use nervure_record::{Artefact, Family};

/// Channels of rows.
#[derive(Clone)]
struct Maps {
    count: usize,
    rows: usize,
    columns: usize,
    numbers: Vec<f32>,
}

impl Maps {
    fn at(&self, channel: usize, row: isize, column: isize) -> f32 {
        let row = row.clamp(0, self.rows as isize - 1) as usize;
        let column = column.clamp(0, self.columns as isize - 1) as usize;
        self.numbers[(channel * self.rows + row) * self.columns + column]
    }

    /// Of a function of channel, row and column.
    fn of(
        (count, rows, columns): (usize, usize, usize),
        number: impl Fn(usize, usize, usize) -> f32,
    ) -> Maps {
        let numbers = (0..count * rows * columns)
            .map(|at| number(at / columns / rows, at / columns % rows, at % columns));
        Maps {
            count,
            rows,
            columns,
            numbers: numbers.collect(),
        }
    }

    fn cat(parts: &[&Maps]) -> Maps {
        let numbers = parts.iter().flat_map(|part| &part.numbers);
        Maps {
            count: parts.iter().map(|part| part.count).sum(),
            numbers: numbers.copied().collect(),
            ..*parts[0]
        }
    }

    fn plus(mut self, other: &Maps) -> Maps {
        assert_eq!(self.numbers.len(), other.numbers.len());
        let pairs = self.numbers.iter_mut().zip(&other.numbers);
        pairs.for_each(|(to, from)| *to += from);
        self
    }

    fn shuffled(&self, factor: usize) -> Maps {
        let size = (
            self.count / factor / factor,
            self.rows * factor,
            self.columns * factor,
        );
        Maps::of(size, |channel, row, column| {
            let place = row % factor * factor + column % factor;
            let channel = channel * factor * factor + place;
            self.at(channel, (row / factor) as isize, (column / factor) as isize)
        })
    }
}

struct Net<'a>(&'a Artefact);

impl Net<'_> {
    fn conv(&self, name: &str, input: &Maps, stride: usize, groups: usize, relu: bool) -> Maps {
        let tensor = self.0.tensor(&format!("{name}.weight")).unwrap();
        let bias = self.0.tensor(&format!("{name}.bias")).unwrap();
        let (outputs, kernel) = (tensor.shape[0], tensor.shape[2]);
        let shape = Shape {
            inputs: input.count,
            outputs,
            groups,
            size: (input.rows, input.columns),
            kernel: (kernel, kernel),
            stride: (stride, stride),
            padding: (kernel / 2, kernel / 2),
        };
        let (weights, bias) = (tensor.as_f32().unwrap(), bias.as_f32().unwrap());
        let (rows, columns) = shape.output_size();
        Maps {
            count: outputs,
            rows,
            columns,
            numbers: reference::forward(&shape, &input.numbers, weights, Some(bias), relu),
        }
    }

    fn relu(&self, name: &str, input: &Maps) -> Maps {
        self.conv(name, input, 1, 1, true)
    }

    fn plain(&self, name: &str, input: &Maps) -> Maps {
        self.conv(name, input, 1, 1, false)
    }

    fn residual(&self, name: &str, input: &Maps) -> Maps {
        let first = self.relu(&format!("{name}.first"), input);
        self.plain(&format!("{name}.second"), &first).plus(input)
    }
}

fn lanczos(picture: &Maps, scale: usize) -> Maps {
    let phases: Vec<_> = (0..scale)
        .map(|phase| lanczos_lobes(phase, scale))
        .collect();
    let size = (1, picture.rows * scale, picture.columns * scale);
    Maps::of(size, |_, row, column| {
        let (down, across) = (phases[row % scale], phases[column % scale]);
        let mut sum = 0.0;
        for (dy, down) in down.iter().enumerate() {
            for (dx, across) in across.iter().enumerate() {
                let y = (row / scale + dy) as isize - 3;
                let x = (column / scale + dx) as isize - 3;
                sum += down * across * f64::from(picture.at(0, y, x));
            }
        }
        sum as f32
    })
}

fn warp(maps: &Maps, flow: &Maps) -> Maps {
    let size = (maps.count, maps.rows, maps.columns);
    Maps::of(size, |channel, row, column| {
        let place = |at: usize, moved: f32, count: usize| {
            let place = (at as f32 + moved).clamp(0.0, (count - 1) as f32);
            (place.floor() as isize, place.fract())
        };
        let (y, x) = (row as isize, column as isize);
        let (y, below) = place(row, flow.at(1, y, x), maps.rows);
        let (x, right) = place(
            column,
            flow.at(0, row as isize, column as isize),
            maps.columns,
        );
        let line = |y| maps.at(channel, y, x) * (1.0 - right) + maps.at(channel, y, x + 1) * right;
        line(y) * (1.0 - below) + line(y + 1) * below
    })
}

fn maps(plane: &Plane<u8>, rows: usize, columns: usize) -> Maps {
    Maps::of((1, rows, columns), |_, row, column| {
        let row = plane.row(row.min(plane.height() - 1));
        f32::from(row[column.min(plane.width() - 1)]) / 255.0
    })
}

/// What the network makes of a window.
pub(super) fn picture(artefact: &Artefact, window: &[&Plane<u8>], lost: &LossMask) -> Vec<f32> {
    let card = &artefact.card;
    let size = |name: &str| card.parameter(name).unwrap();
    let scale = card.scale as usize;
    let net = Net(artefact);
    let (width, height) = (window[0].width(), window[0].height());
    let shown: Vec<Maps> = window.iter().map(|it| maps(it, height, width)).collect();
    let all = Maps::cat(&shown.iter().collect::<Vec<_>>());
    match card.family {
        Family::ResidualEspcn => {
            let (mut x, layers) = (all, size("layers"));
            for layer in 0..layers {
                x = net.conv(&format!("convs.{layer}"), &x, 1, 1, layer + 1 < layers);
            }
            let base = lanczos(&shown[shown.len() - 1], scale);
            x.shuffled(scale).plus(&base).numbers
        }
        Family::LightweightSuperResolution => {
            let mut x = net.relu("first", &all);
            for block in 0..size("blocks") {
                let depthwise = format!("blocks.{block}.depthwise");
                x = net.conv(&depthwise, &x, 1, x.count, false);
                x = net.relu(&format!("blocks.{block}.pointwise"), &x);
            }
            let base = lanczos(&shown[shown.len() / 2], scale);
            net.plain("last", &x).shuffled(scale).plus(&base).numbers
        }
        Family::SuperResolution => {
            let middle = shown.len() / 2;
            let features: Vec<Maps> = shown.iter().map(|it| net.relu("extract", it)).collect();
            let aligned: Vec<Maps> = (0..shown.len())
                .map(|other| {
                    if other == middle {
                        return features[middle].clone();
                    }
                    let both = Maps::cat(&[&features[middle], &features[other]]);
                    let x = net.relu("motion.second", &net.relu("motion.first", &both));
                    warp(&features[other], &net.plain("motion.last", &x))
                })
                .collect();
            let mut x = net.relu("aggregate", &Maps::cat(&aligned.iter().collect::<Vec<_>>()));
            for block in 0..size("blocks") {
                x = net.residual(&format!("blocks.{block}"), &x);
            }
            let base = lanczos(&shown[middle], scale);
            net.plain("last", &x).shuffled(scale).plus(&base).numbers
        }
        Family::FrameRecovery => {
            let (rows, columns) = (height.next_multiple_of(2), width.next_multiple_of(2));
            let (damaged, before) = window.split_last().unwrap();
            let guesses = mended(before, damaged, lost);
            let even = guesses.iter().map(|it| maps(it, rows, columns));
            let references: Vec<Maps> = even.collect();
            let damaged = &maps(damaged, rows, columns);
            let best = references.last().unwrap();
            let is_lost = |row: usize, column: usize| {
                let (row, column) = (row.min(height - 1), column.min(width - 1));
                lost.is_lost(column / MACROBLOCK, row / MACROBLOCK)
            };
            let copied = Maps::of((1, rows, columns), |_, row, column| {
                let from = if is_lost(row, column) { best } else { damaged };
                from.at(0, row as isize, column as isize)
            });
            let mask = Maps::of((1, rows, columns), |_, row, column| {
                f32::from(u8::from(is_lost(row, column)))
            });
            let mut x = net.relu("enter", &Maps::cat(&[damaged, &copied, &mask]));
            for block in 0..2 {
                x = net.residual(&format!("at_full.{block}"), &x);
            }
            x = net.conv("down", &x, 2, 1, true);
            for block in 0..size("blocks") {
                x = net.residual(&format!("spatial.{block}"), &x);
            }
            let mut frames = references.clone();
            let last = frames.len() - 1;
            for (number, stride) in [2, 1, 1].into_iter().enumerate() {
                let over = |at: usize| {
                    let three = [at.saturating_sub(1), at, (at + 1).min(last)];
                    let three = Maps::cat(&three.map(|at| &frames[at]));
                    net.conv(&format!("temporal.{number}.conv"), &three, stride, 1, true)
                };
                frames = (0..=last).map(over).collect();
            }
            let sum = frames[1..].iter().fold(frames[0].clone(), Maps::plus);
            let mean = Maps::of(
                (sum.count, sum.rows, sum.columns),
                |channel, row, column| {
                    sum.at(channel, row as isize, column as isize) / frames.len() as f32
                },
            );
            x = net.relu("fuse", &Maps::cat(&[&x, &mean]));
            for block in 0..size("blocks") {
                x = net.residual(&format!("refine.{block}"), &x);
            }
            let last = net.plain("last", &net.plain("up", &x).shuffled(2));
            let cut = Maps::of((1, height, width), |_, row, column| {
                let (row, column) = (row as isize, column as isize);
                let change = copied.at(0, row, column) - damaged.at(0, row, column);
                let corrected = copied.at(0, row, column) + last.at(0, row, column);
                corrected + last.at(1, row, column) * change
            });
            cut.numbers
        }
    }
}
