//! The marks of a chart as pixels and as SVG.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use nervure_media::draw::{self, Affine, Align, Canvas, Light, Rgba, Text};

use super::Chart;
use super::layout::{self, Colour, Mark, PAPER, anchor};

/// Pixels of a PNG for a unit of the chart: for screens with fine pixels.
const PIXELS: f32 = 2.0;

pub(super) fn write_png(chart: &Chart, path: &Path) -> Result<()> {
    let (width, height) = (chart.size.0 * PIXELS, chart.size.1 * PIXELS);
    let marks = layout::layout(chart);
    let canvas = Canvas::render(width as usize, height as usize, Light::Coded, |canvas| {
        canvas.clear(Rgba::hex(PAPER));
        for mark in &marks {
            draw_mark(canvas, mark);
        }
    });
    Ok(draw::write_png(&canvas, path)?)
}

fn draw_mark(canvas: &mut Canvas, mark: &Mark) {
    let scaled = |(x, y): (f32, f32)| (x * PIXELS, y * PIXELS);
    match mark {
        Mark::Line {
            from,
            to,
            width,
            colour,
            dashed,
        } => {
            let (from, to) = (scaled(*from), scaled(*to));
            let paint = Rgba::hex(*colour);
            for (a, b) in dashes(from, to, *dashed) {
                canvas.line(a, b, width * PIXELS, &paint);
            }
        }
        Mark::Polyline {
            points,
            width,
            colour,
        } => {
            let mut path = draw::Path::new();
            let points: Vec<_> = points.iter().copied().map(scaled).collect();
            path.polyline(&points);
            canvas.stroke(&path, width * PIXELS, &Rgba::hex(*colour));
        }
        Mark::Dot { at, colour } => {
            let (x, y) = scaled(*at);
            canvas.circle(x, y, 3.0 * PIXELS, &Rgba::hex(*colour));
        }
        Mark::Bar { from, to, colour } => {
            let ((x0, y0), (x1, y1)) = (scaled(*from), scaled(*to));
            canvas.rect(x0, y0, x1, y1, &Rgba::hex(*colour));
        }
        Mark::Words {
            at,
            words,
            text,
            colour,
            upright,
            rim,
        } => {
            let text = Text {
                size: text.size * PIXELS,
                ..*text
            };
            let (x, y) = scaled(*at);
            let place = if *upright {
                Affine::rotate(-0.25).then(Affine::translate(x, y))
            } else {
                Affine::translate(x, y)
            };
            if *rim {
                let wide = Text {
                    weight: text.weight + 0.3,
                    ..text
                };
                canvas.text_placed(place, words, &wide, &Rgba::hex(PAPER));
            }
            canvas.text_placed(place, words, &text, &Rgba::hex(*colour));
        }
    }
}

/// A line, or the dashes of a dashed one.
fn dashes(from: (f32, f32), to: (f32, f32), dashed: bool) -> Vec<((f32, f32), (f32, f32))> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = (dx * dx + dy * dy).sqrt();
    if !dashed || length == 0.0 {
        return vec![(from, to)];
    }
    let (dash, period) = (5.0 * PIXELS, 9.0 * PIXELS);
    let at = |along: f32| (from.0 + dx * along / length, from.1 + dy * along / length);
    (0..(length / period).ceil() as usize)
        .map(|index| index as f32 * period)
        .map(|start| (at(start), at((start + dash).min(length))))
        .collect()
}

pub(super) fn write_svg(chart: &Chart, path: &Path) -> Result<()> {
    std::fs::write(path, svg(chart)).with_context(|| format!("cannot write {}", path.display()))
}

pub(super) fn svg(chart: &Chart) -> String {
    let (width, height) = chart.size;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" \
         font-family=\"Inter, 'Segoe UI', Helvetica, Arial, sans-serif\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#{PAPER:06x}\"/>\n"
    );
    for mark in layout::layout(chart) {
        svg_mark(&mut svg, &mark);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Writing to a string cannot fail, so the results are not looked at.
fn svg_mark(svg: &mut String, mark: &Mark) {
    let _ = match mark {
        Mark::Line {
            from,
            to,
            width,
            colour,
            dashed,
        } => writeln!(
            svg,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {}{}/>",
            from.0,
            from.1,
            to.0,
            to.1,
            pen(*colour, *width),
            if *dashed {
                " stroke-dasharray=\"5 4\""
            } else {
                ""
            }
        ),
        Mark::Polyline {
            points,
            width,
            colour,
        } => {
            let points: Vec<String> = points
                .iter()
                .map(|(x, y)| format!("{x:.1},{y:.1}"))
                .collect();
            writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" {} stroke-linejoin=\"round\"/>",
                points.join(" "),
                pen(*colour, *width)
            )
        }
        Mark::Dot { at, colour } => writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#{colour:06x}\"/>",
            at.0, at.1
        ),
        Mark::Bar { from, to, colour } => writeln!(
            svg,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
             fill=\"#{colour:06x}\"/>",
            from.0,
            from.1,
            (to.0 - from.0).max(0.0),
            (to.1 - from.1).max(0.0)
        ),
        Mark::Words {
            at,
            words,
            text,
            colour,
            upright,
            rim,
        } => svg_words(svg, *at, words, text, *colour, (*upright, *rim)),
    };
}

fn svg_words(
    svg: &mut String,
    (x, y): (f32, f32),
    words: &str,
    text: &Text,
    colour: Colour,
    (upright, rim): (bool, bool),
) -> std::fmt::Result {
    write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{}\"",
        text.size
    )?;
    if text.align != Align::Left {
        write!(svg, " text-anchor=\"{}\"", anchor(text.align))?;
    }
    if text.weight > 0.1 {
        write!(svg, " font-weight=\"600\"")?;
    }
    if upright {
        write!(svg, " transform=\"rotate(-90 {x:.1} {y:.1})\"")?;
    }
    if rim {
        write!(
            svg,
            " stroke=\"#{PAPER:06x}\" stroke-width=\"4\" paint-order=\"stroke\""
        )?;
    }
    writeln!(svg, " fill=\"#{colour:06x}\">{}</text>", escaped(words))
}

fn pen(colour: Colour, width: f32) -> String {
    format!("stroke=\"#{colour:06x}\" stroke-width=\"{width}\"")
}

/// Text that means itself inside SVG and HTML, also in quoted attributes. Characters that XML
/// cannot hold are left out.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_break_out_of_the_page() {
        assert_eq!(
            escaped("<a href='x'>\u{0}\u{7}&\"\n"),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot; "
        );
    }

    #[test]
    fn dashes_end_where_their_line_ends() {
        let pieces = dashes((0.0, 0.0), (100.0, 0.0), true);
        assert_eq!(pieces.len(), 6);
        assert!(pieces.iter().all(|(a, b)| b.0 <= 100.0 && a.0 < b.0));
        assert_eq!(dashes((0.0, 0.0), (9.0, 9.0), false).len(), 1);
    }
}
