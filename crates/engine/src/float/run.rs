//! Plans, carried out on one tile after the other.

use std::ops::Range;

use nervure_kernels::conv::{Around, Ends, Fetch, PLACES, Source as Numbers, Target};
use nervure_record::MAX_SCALE;

use super::plan::{Op, Part, Plan, Work};
use super::source::Source;
use super::tiles::{Band, Columns};

/// Memory that tiles use one after the other.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    tensors: Vec<Held>,
    offsets: Vec<usize>,
}

/// Some rows of a tensor, one after the other, each channel after channel: what a convolution reads at a
/// time lies in few pages.
#[derive(Debug, Default)]
struct Held {
    numbers: Vec<f32>,
    /// The first row that is held, and the first that is not made yet.
    top: isize,
    end: isize,
    /// The first column.
    left: isize,
    columns: usize,
    /// Numbers from one row to the next, and from one channel to the next.
    stride: usize,
    plane: usize,
    channels: usize,
}

/// Numbers of a cache line, and more than the kernels touch past the end of a row.
const LINE: usize = 16;

impl Held {
    fn prepare(&mut self, channels: usize, columns: &Range<isize>, top: isize, rows: usize) {
        self.columns = columns.len();
        // An odd count of lines: were it a power of two, channels would push each other out of the cache.
        let lines = (self.columns + LINE - 1).div_ceil(LINE) | 1;
        self.plane = lines * LINE;
        self.stride = channels * self.plane;
        (self.top, self.end, self.left) = (top, top, columns.start);
        self.channels = channels;
        let len = rows * self.stride;
        if self.numbers.len() < len {
            self.numbers.resize(len, 0.0);
        }
    }

    fn at(&self, channel: usize, row: isize, column: isize) -> usize {
        debug_assert!((self.top..).contains(&row) && column >= self.left);
        channel * self.plane
            + (row - self.top) as usize * self.stride
            + (column - self.left) as usize
    }

    fn line(&self, channel: usize, row: isize, columns: &Range<isize>) -> &[f32] {
        &self.numbers[self.at(channel, row, columns.start)..][..columns.len()]
    }

    fn line_mut(&mut self, channel: usize, row: isize, columns: &Range<isize>) -> &mut [f32] {
        let at = self.at(channel, row, columns.start);
        &mut self.numbers[at..][..columns.len()]
    }

    /// Forgets rows before one.
    fn drop_before(&mut self, top: isize) {
        let gone = (top - self.top) as usize * self.stride;
        let kept = (self.end - self.top) as usize * self.stride;
        self.numbers.copy_within(gone..kept, 0);
        self.top = top;
    }

    /// Zeros where the tensor has no places: a convolution takes them for what is outside.
    fn clear_outside(&mut self, rows: &Range<isize>, size: (usize, usize)) {
        let all = self.left..self.left + self.columns as isize;
        let left = all.start..all.end.min(0);
        let right = all.start.max(size.1 as isize)..all.end;
        for channel in 0..self.channels {
            for row in rows.clone() {
                if !(0..size.0 as isize).contains(&row) {
                    self.line_mut(channel, row, &all).fill(0.0);
                    continue;
                }
                for side in [&left, &right] {
                    if !side.is_empty() {
                        self.line_mut(channel, row, side).fill(0.0);
                    }
                }
            }
        }
    }
}

/// One tile of a picture.
pub(super) struct Tile<'a> {
    pub(super) plan: &'a Plan,
    /// Rows and columns of the picture.
    pub(super) picture: (usize, usize),
    pub(super) band: &'a Band,
    pub(super) columns: &'a Columns,
    pub(super) source: &'a dyn Source,
}

impl Tile<'_> {
    /// Makes it, and gives each row of the result to `emit`: its number, and the samples of its squares
    /// as one slice for each place in a square.
    pub(super) fn run(&self, scratch: &mut Scratch, emit: &mut dyn FnMut(usize, &[&[f32]])) {
        let Tile {
            plan,
            band,
            columns,
            ..
        } = self;
        scratch
            .tensors
            .resize_with(plan.tensors.len(), Held::default);
        for (number, held) in scratch.tensors.iter_mut().enumerate() {
            let channels = plan.tensors[number].channels;
            let capacity = band.capacity[number];
            held.prepare(
                channels,
                &columns.ranges[number],
                band.tops[number],
                capacity,
            );
        }
        for step in &band.steps {
            for (tensor, top) in &step.drops {
                scratch.tensors[*tensor].drop_before(*top);
            }
            for (op, rows) in &step.runs {
                self.op(&plan.ops[*op], rows, scratch);
            }
            let result = &scratch.tensors[plan.result];
            let core = columns.core.start as isize..columns.core.end as isize;
            let mut squares: [&[f32]; (MAX_SCALE * MAX_SCALE) as usize] =
                [&[]; (MAX_SCALE * MAX_SCALE) as usize];
            for row in step.ready.clone() {
                for (channel, square) in squares[..result.channels].iter_mut().enumerate() {
                    *square = result.line(channel, row as isize, &core);
                }
                emit(row, &squares[..result.channels]);
            }
        }
    }

    fn op(&self, op: &Op, rows: &Range<isize>, scratch: &mut Scratch) {
        let size = self.plan.size(op.output, self.picture);
        let mut out = std::mem::take(&mut scratch.tensors[op.output]);
        out.end = rows.end;
        let left = out.left.max(0);
        let right = (out.left + out.columns as isize).min(size.1 as isize);
        let made = Made {
            rows: rows.start.max(0)..rows.end.min(size.0 as isize),
            columns: left..right,
        };
        match &op.work {
            Work::Enter { pictures, repeat } => {
                self.enter(pictures, rows, &mut out);
                if !repeat {
                    out.clear_outside(rows, size);
                }
            }
            _ if made.rows.is_empty() || made.columns.is_empty() => {
                out.clear_outside(rows, size);
            }
            work => {
                match work {
                    Work::Conv {
                        parts,
                        bias,
                        relu,
                        to,
                    } => {
                        if let Some(to) = to {
                            copy(&scratch.tensors[*to], &mut out, &made);
                        }
                        for (number, part) in parts.iter().enumerate() {
                            let ends = Ends {
                                bias: (number == 0).then_some(&bias[..]),
                                add: number > 0 || to.is_some(),
                                relu: *relu && number + 1 == parts.len(),
                            };
                            let input = &scratch.tensors[part.input];
                            convolve(part, input, ends, &made, &mut out, &mut scratch.offsets);
                        }
                    }
                    Work::Split { input } => split(&scratch.tensors[*input], &mut out, &made),
                    Work::Shuffle { input, factor } => {
                        shuffle(&scratch.tensors[*input], *factor, &mut out, &made);
                    }
                    Work::Mean { inputs } => {
                        copy(&scratch.tensors[inputs[0]], &mut out, &made);
                        for input in &inputs[1..] {
                            add(&scratch.tensors[*input], &mut out, &made);
                        }
                        let share = inputs.len() as f32;
                        made.each(&mut out, |_, _, line| {
                            line.iter_mut().for_each(|number| *number /= share);
                        });
                    }
                    Work::Mend { from, last } => {
                        mend(
                            &scratch.tensors[*from],
                            &scratch.tensors[*last],
                            &mut out,
                            &made,
                        );
                    }
                    Work::Warp {
                        flow,
                        picture,
                        fetch,
                    } => self.warp(fetch, *picture, &scratch.tensors[*flow], &mut out, &made),
                    Work::Enter { .. } => {}
                }
                out.clear_outside(rows, size);
            }
        }
        scratch.tensors[op.output] = out;
    }

    fn enter(&self, pictures: &[usize], rows: &Range<isize>, out: &mut Held) {
        let columns = out.left..out.left + out.columns as isize;
        for row in rows.clone() {
            for (number, picture) in pictures.iter().enumerate() {
                let line = out.line_mut(number, row, &columns);
                self.source.row(*picture, row, columns.start, line);
            }
        }
    }

    fn warp(&self, fetch: &Fetch, picture: usize, flow: &Held, out: &mut Held, made: &Made) {
        let (height, width) = self.picture;
        let mut around = Around {
            pixels: [[0.0; PLACES]; 16],
            right: [0.0; PLACES],
            down: [0.0; PLACES],
        };
        for row in made.rows.clone() {
            let across = flow.line(0, row, &made.columns);
            let down = flow.line(1, row, &made.columns);
            let places = across.chunks(PLACES).zip(down.chunks(PLACES));
            for (chunk, (across, down)) in places.enumerate() {
                let first = made.columns.start + (chunk * PLACES) as isize;
                for (place, (across, down)) in across.iter().zip(down).enumerate() {
                    let column = first + place as isize;
                    let (x, right) = between(column, *across, width);
                    let (y, below) = between(row, *down, height);
                    (around.right[place], around.down[place]) = (right, below);
                    for (line, pixels) in around.pixels.chunks_exact_mut(4).enumerate() {
                        let mut four = [0.0; 4];
                        let y = y + line as isize - 1;
                        if (0..height as isize).contains(&y) {
                            self.source.row(picture, y, x - 1, &mut four);
                            for (x, pixel) in (x - 1..).zip(&mut four) {
                                if !(0..width as isize).contains(&x) {
                                    *pixel = 0.0;
                                }
                            }
                        }
                        for (pixels, pixel) in pixels.iter_mut().zip(four) {
                            pixels[place] = pixel;
                        }
                    }
                }
                // What is left of the last register falls behind the row's end, where there is room.
                let at = out.at(0, row, first);
                fetch.run(&around, &mut out.numbers[at..], out.plane);
            }
        }
    }
}

/// The pixel before a place that motion leads to, and how far behind it the place is. What is no number
/// leads to the first.
fn between(at: isize, flow: f32, count: usize) -> (isize, f32) {
    let place = (at as f32 + flow).max(0.0).min((count - 1) as f32);
    let near = place as isize;
    (near, place - near as f32)
}

/// What of a tensor is made: places that it has.
struct Made {
    rows: Range<isize>,
    columns: Range<isize>,
}

impl Made {
    /// Every line of every channel.
    fn each(&self, out: &mut Held, mut work: impl FnMut(usize, isize, &mut [f32])) {
        for channel in 0..out.channels {
            for row in self.rows.clone() {
                work(channel, row, out.line_mut(channel, row, &self.columns));
            }
        }
    }
}

fn copy(from: &Held, out: &mut Held, made: &Made) {
    made.each(out, |channel, row, line| {
        line.copy_from_slice(from.line(channel, row, &made.columns));
    });
}

fn add(from: &Held, out: &mut Held, made: &Made) {
    made.each(out, |channel, row, line| {
        let from = from.line(channel, row, &made.columns);
        line.iter_mut().zip(from).for_each(|(to, from)| *to += from);
    });
}

fn convolve(
    part: &Part,
    input: &Held,
    ends: Ends<'_>,
    made: &Made,
    out: &mut Held,
    offsets: &mut Vec<usize>,
) {
    let least =
        |place: &dyn Fn(&super::plan::Tap) -> isize| part.taps.iter().map(place).min().unwrap_or(0);
    let (up, back) = (least(&|tap| tap.row), least(&|tap| tap.column));
    offsets.clear();
    offsets.extend(part.taps.iter().map(|tap| {
        tap.channel * input.plane
            + (tap.row - up) as usize * input.stride
            + (tap.column - back) as usize
    }));
    let row = made.rows.start * part.step as isize + up;
    let from = Numbers {
        numbers: &input.numbers,
        offsets,
        group: part.group * input.plane,
        first: input.at(0, row, made.columns.start + back),
        row: part.step * input.stride,
    };
    let to = Target {
        first: out.at(0, made.rows.start, made.columns.start),
        plane: out.plane,
        stride: out.stride,
        rows: made.rows.len(),
        columns: made.columns.len(),
    };
    part.sums.run(&from, ends, to, &mut out.numbers);
}

fn mend(from: &Held, last: &Held, out: &mut Held, made: &Made) {
    made.each(out, |_, row, line| {
        let of = |held: &Held, channel| held.at(channel, row, made.columns.start);
        let (base, change) = (&from.numbers[of(from, 0)..], &from.numbers[of(from, 1)..]);
        let (corrections, more) = (&last.numbers[of(last, 0)..], &last.numbers[of(last, 1)..]);
        let begun = base.iter().zip(change);
        let told = corrections.iter().zip(more);
        for (to, ((base, change), (correction, more))) in line.iter_mut().zip(begun.zip(told)) {
            *to = base + correction + more * change;
        }
    });
}

fn split(input: &Held, out: &mut Held, made: &Made) {
    let columns = 2 * made.columns.start..2 * made.columns.end;
    made.each(out, |channel, row, line| {
        let from = input.line(channel / 2, row, &columns);
        let every = from[channel % 2..].iter().step_by(2);
        line.iter_mut()
            .zip(every)
            .for_each(|(to, from)| *to = *from);
    });
}

fn shuffle(input: &Held, factor: usize, out: &mut Held, made: &Made) {
    let by = factor as isize;
    let small = made.columns.start.div_euclid(by)..(made.columns.end - 1).div_euclid(by) + 1;
    made.each(out, |channel, row, line| {
        let down = row.rem_euclid(by) as usize;
        for across in 0..factor {
            let from = (channel * factor + down) * factor + across;
            let from = input.line(from, row.div_euclid(by), &small);
            // The first column of this place in its square.
            let skipped = (across as isize - made.columns.start).rem_euclid(by) as usize;
            let first = (made.columns.start + skipped as isize).div_euclid(by) - small.start;
            let every = line.iter_mut().skip(skipped).step_by(factor);
            for (to, from) in every.zip(&from[first as usize..]) {
                *to = *from;
            }
        }
    });
}
