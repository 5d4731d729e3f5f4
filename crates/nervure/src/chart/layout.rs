//! A chart as lines, boxes and words at their places.

use nervure_media::draw::{Align, Text};

use super::ticks::Scale;
use super::{Chart, Kind};

/// A colour as in a style sheet.
pub(super) type Colour = u32;

pub(super) const PAPER: Colour = 0xffffff;
const INK: Colour = 0x1f2937;
const QUIET: Colour = 0x6b7280;
const AXIS: Colour = 0x9ca3af;
const GRID: Colour = 0xe8eaee;
/// Told apart by eyes with every kind of colour vision, also in this order.
const PALETTE: [Colour; 8] = [
    0x2563eb, 0xea580c, 0x0d9488, 0x9333ea, 0xdc2626, 0x64748b, 0xca8a04, 0x0891b2,
];

/// What is drawn, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// A straight line.
    Line {
        from: (f32, f32),
        to: (f32, f32),
        width: f32,
        colour: Colour,
        dashed: bool,
    },
    /// A line through points.
    Polyline {
        points: Vec<(f32, f32)>,
        width: f32,
        colour: Colour,
    },
    /// A lone value.
    Dot { at: (f32, f32), colour: Colour },
    /// A filled box.
    Bar {
        from: (f32, f32),
        to: (f32, f32),
        colour: Colour,
    },
    /// Words on a baseline.
    Words {
        at: (f32, f32),
        words: String,
        text: Text,
        colour: Colour,
        /// They run upwards.
        upright: bool,
        /// They stand on lines, and have a rim of paper to be read by.
        rim: bool,
    },
}

fn words(at: (f32, f32), words: impl Into<String>, text: Text, colour: Colour) -> Mark {
    Mark::Words {
        at,
        words: words.into(),
        text,
        colour,
        upright: false,
        rim: false,
    }
}

fn rule(from: (f32, f32), to: (f32, f32), colour: Colour) -> Mark {
    Mark::Line {
        from,
        to,
        width: 1.0,
        colour,
        dashed: false,
    }
}

/// The box of the chart that values are drawn in, and the scales along its sides.
struct Plot {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
    x: Scale,
    y: Scale,
}

impl Plot {
    fn at(&self, x: f64, y: f64) -> (f32, f32) {
        (
            self.left + (self.right - self.left) * self.x.place(x).clamp(-1.0, 2.0),
            self.bottom - (self.bottom - self.top) * self.y.place(y).clamp(-1.0, 2.0),
        )
    }
}

/// All marks of a chart.
pub(super) fn layout(chart: &Chart) -> Vec<Mark> {
    let mut marks = Vec::new();
    let (width, height) = chart.size;
    let mut top = 22.0;
    if !chart.title.is_empty() {
        top += 14.0;
        marks.push(words(
            (24.0, top),
            &chart.title,
            Text::new(19.0).bold(),
            INK,
        ));
    }
    if !chart.subtitle.is_empty() {
        top += 22.0;
        marks.push(words((24.0, top), &chart.subtitle, Text::new(14.0), QUIET));
    }
    top = legend(chart, top, &mut marks);
    let y = y_scale(chart);
    let labels: Vec<(f64, String)> = y
        .ticks()
        .into_iter()
        .map(|tick| (tick, y_label(chart, &y, tick)))
        .collect();
    let small = Text::new(13.0);
    let label_width = labels
        .iter()
        .map(|(_, label)| small.width(label))
        .fold(0.0, f32::max);
    let named = |label: &String, space| if label.is_empty() { 0.0 } else { space };
    let plot = Plot {
        left: 24.0 + named(&chart.y_label, 20.0) + label_width + 8.0,
        top: top + 18.0,
        right: width - 24.0,
        bottom: height - 36.0 - named(&chart.x_label, 22.0),
        x: x_scale(chart),
        y,
    };
    for (tick, label) in labels {
        let (_, at) = plot.at(plot.x.low, tick);
        // Lines a unit wide are crisp when they lie on halves.
        let at = at.floor() + 0.5;
        marks.push(rule((plot.left, at), (plot.right, at), GRID));
        marks.push(words(
            (plot.left - 8.0, at + 4.5),
            label,
            small.right(),
            QUIET,
        ));
    }
    x_axis(chart, &plot, &mut marks);
    if !chart.y_label.is_empty() {
        marks.push(Mark::Words {
            at: (34.0, (plot.top + plot.bottom) * 0.5),
            words: chart.y_label.clone(),
            text: small.centred(),
            colour: QUIET,
            upright: true,
            rim: false,
        });
    }
    if !chart.x_label.is_empty() {
        let at = ((plot.left + plot.right) * 0.5, height - 16.0);
        marks.push(words(at, &chart.x_label, small.centred(), QUIET));
    }
    match &chart.kind {
        Kind::Bars(categories) => bars(chart, &plot, categories.len(), &mut marks),
        Kind::Lines | Kind::Distribution => lines(chart, &plot, &mut marks),
    }
    for (level, label) in chart.marks.iter().filter(|(level, _)| level.is_finite()) {
        let (_, at) = plot.at(plot.x.low, *level);
        marks.push(Mark::Line {
            from: (plot.left, at),
            to: (plot.right, at),
            width: 1.2,
            colour: INK,
            dashed: true,
        });
        marks.push(Mark::Words {
            at: (plot.right - 4.0, at - 6.0),
            words: label.clone(),
            text: small.right(),
            colour: INK,
            upright: false,
            rim: true,
        });
    }
    marks
}

fn colour(index: usize) -> Colour {
    PALETTE[index % PALETTE.len()]
}

/// Names of the series with their colours, in as many rows as they need; gives the new top.
fn legend(chart: &Chart, mut top: f32, marks: &mut Vec<Mark>) -> f32 {
    if chart.series.len() < 2 {
        return top;
    }
    let text = Text::new(14.0);
    let mut x = 24.0;
    top += 25.0;
    for (index, series) in chart.series.iter().enumerate() {
        let room = 28.0 + text.width(&series.name) + 22.0;
        if x > 24.0 && x + room > chart.size.0 - 24.0 {
            x = 24.0;
            top += 20.0;
        }
        marks.push(Mark::Bar {
            from: (x, top - 8.0),
            to: (x + 20.0, top - 4.0),
            colour: colour(index),
        });
        marks.push(words((x + 28.0, top), &series.name, text, INK));
        x += room;
    }
    top
}

fn y_scale(chart: &Chart) -> Scale {
    let values = chart.series.iter().flat_map(|series| &series.points);
    let extra = chart.marks.iter().map(|(level, _)| *level);
    let floor = chart.from_zero.then_some(0.0);
    let ceiling = (chart.kind == Kind::Distribution).then_some(1.0);
    let steps = (chart.size.1 / 70.0) as usize;
    Scale::of(
        values
            .map(|(_, y)| *y)
            .chain(extra)
            .chain(floor)
            .chain(ceiling),
        steps,
        true,
    )
}

fn x_scale(chart: &Chart) -> Scale {
    match &chart.kind {
        Kind::Bars(categories) => Scale {
            low: 0.0,
            high: categories.len().max(1) as f64,
            step: 1.0,
        },
        Kind::Lines | Kind::Distribution => Scale::of(
            chart.series.iter().flat_map(|s| &s.points).map(|(x, _)| *x),
            (chart.size.0 / 110.0) as usize,
            false,
        ),
    }
}

fn y_label(chart: &Chart, scale: &Scale, tick: f64) -> String {
    match chart.kind {
        Kind::Distribution => format!("{:.0}%", tick * 100.0),
        Kind::Lines | Kind::Bars(_) => scale.label(tick),
    }
}

fn x_axis(chart: &Chart, plot: &Plot, marks: &mut Vec<Mark>) {
    let small = Text::new(13.0).centred();
    let floor = plot.bottom.floor() + 0.5;
    marks.push(rule((plot.left, floor), (plot.right, floor), AXIS));
    match &chart.kind {
        Kind::Bars(categories) => {
            for (index, name) in categories.iter().enumerate() {
                let (x, _) = plot.at(index as f64 + 0.5, 0.0);
                marks.push(words((x, floor + 20.0), name, small, INK));
            }
        }
        Kind::Lines | Kind::Distribution => {
            for tick in plot.x.ticks() {
                let x = plot.at(tick, 0.0).0.floor() + 0.5;
                marks.push(rule((x, floor), (x, floor + 5.0), AXIS));
                marks.push(words((x, floor + 20.0), plot.x.label(tick), small, QUIET));
            }
        }
    }
}

fn bars(chart: &Chart, plot: &Plot, categories: usize, marks: &mut Vec<Mark>) {
    let count = chart.series.len().max(1) as f64;
    let wide = 0.72 / count;
    for (index, series) in chart.series.iter().enumerate() {
        for &(category, value) in series.points.iter().take(categories) {
            if !value.is_finite() {
                continue;
            }
            let left = category + 0.14 + wide * index as f64;
            let (x0, y0) = plot.at(left + wide * 0.04, value.max(0.0));
            let (x1, y1) = plot.at(left + wide * 0.96, value.min(0.0));
            marks.push(Mark::Bar {
                from: (x0, y0),
                to: (x1, y1),
                colour: colour(index),
            });
            let label = Scale {
                step: plot.y.step / 100.0,
                ..plot.y.clone()
            }
            .label((value / plot.y.step * 100.0).round() * plot.y.step / 100.0);
            let text = Text::new(12.0).centred();
            if text.width(&label) < x1 - x0 {
                marks.push(words(((x0 + x1) * 0.5, y0 - 5.0), label, text, INK));
            }
        }
    }
}

fn lines(chart: &Chart, plot: &Plot, marks: &mut Vec<Mark>) {
    for (index, series) in chart.series.iter().enumerate() {
        let whole = series
            .points
            .split(|(x, y)| !(x.is_finite() && y.is_finite()));
        for piece in whole.filter(|piece| !piece.is_empty()) {
            let points = thinned(piece.iter().map(|(x, y)| plot.at(*x, *y)));
            marks.push(match points.as_slice() {
                [at] => Mark::Dot {
                    at: *at,
                    colour: colour(index),
                },
                _ => Mark::Polyline {
                    points,
                    width: 2.0,
                    colour: colour(index),
                },
            });
        }
    }
}

/// Points of which no more than four lie in one column: first, lowest, highest, last. The drawn
/// line is the same, and a film of hours is no heavier than a clip.
fn thinned(points: impl Iterator<Item = (f32, f32)>) -> Vec<(f32, f32)> {
    let mut kept: Vec<(f32, f32)> = Vec::new();
    let mut column: Vec<(f32, f32)> = Vec::new();
    for point in points {
        if column
            .last()
            .is_some_and(|last| last.0.floor() != point.0.floor())
        {
            keep(&mut kept, &mut column);
        }
        column.push(point);
    }
    keep(&mut kept, &mut column);
    kept
}

fn keep(kept: &mut Vec<(f32, f32)>, column: &mut Vec<(f32, f32)>) {
    if column.len() <= 4 {
        kept.append(column);
        return;
    }
    let by_height =
        |(_, a): &(usize, &(f32, f32)), (_, b): &(usize, &(f32, f32))| a.1.total_cmp(&b.1);
    let lowest = column
        .iter()
        .enumerate()
        .max_by(by_height)
        .map_or(0, |(index, _)| index);
    let highest = column
        .iter()
        .enumerate()
        .min_by(by_height)
        .map_or(0, |(index, _)| index);
    let mut chosen = [0, lowest, highest, column.len() - 1];
    chosen.sort_unstable();
    kept.extend(chosen.map(|index| column[index]));
    column.clear();
}

/// Where words that end on the right or stand in the middle begin.
pub(super) fn anchor(align: Align) -> &'static str {
    match align {
        Align::Left => "start",
        Align::Centre => "middle",
        Align::Right => "end",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_series_are_thinned_without_losing_their_peaks() {
        let points = (0..10_000).map(|i| (i as f32 / 100.0, if i == 5_432 { 9.0 } else { 1.0 }));
        let thin = thinned(points);
        assert!(thin.len() <= 400, "{}", thin.len());
        assert!(thin.iter().any(|(_, y)| *y == 9.0));
        assert!(thin.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn legends_wrap_and_every_series_has_its_colour() {
        let mut chart = Chart::lines("many").size(400, 300);
        for index in 0..9 {
            chart = chart.line(format!("series number {index}"), [(0.0, 1.0), (1.0, 2.0)]);
        }
        let marks = layout(&chart);
        let swatches: Vec<(f32, f32)> = marks
            .iter()
            .filter_map(|mark| match mark {
                Mark::Bar { to, .. } => Some(*to),
                _ => None,
            })
            .collect();
        assert_eq!(swatches.len(), 9);
        assert!(swatches.iter().all(|(x, _)| *x < 400.0));
        assert!(swatches[8].1 > swatches[0].1);
    }
}
