//! Text in the stroke font.

use super::font::{EM, Glyph, glyph};
use super::{Affine, Canvas, Paint, Path};

/// Where a text stands beside its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// It begins there.
    Left,
    /// Its middle is there.
    Centre,
    /// It ends there.
    Right,
}

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Text {
    /// The em in pixels; capitals are 0.7 of it high.
    pub size: f32,
    /// The pen's width as a share of the em.
    pub weight: f32,
    /// Where the text stands beside its point.
    pub align: Align,
    /// The width of every character as a share of the em, for text in columns.
    pub pitch: Option<f32>,
    /// Space added after every character, as a share of the em.
    pub spacing: f32,
}

impl Text {
    /// Text of a regular weight that begins at its point.
    pub fn new(size: f32) -> Text {
        Text {
            size,
            weight: 0.085,
            align: Align::Left,
            pitch: None,
            spacing: 0.01,
        }
    }

    /// The same with its middle at the point.
    #[must_use]
    pub fn centred(self) -> Text {
        Text {
            align: Align::Centre,
            ..self
        }
    }

    /// The same, ending at the point.
    #[must_use]
    pub fn right(self) -> Text {
        Text {
            align: Align::Right,
            ..self
        }
    }

    /// The same, bold.
    #[must_use]
    pub fn bold(self) -> Text {
        Text {
            weight: 0.13,
            spacing: self.spacing + 0.035,
            ..self
        }
    }

    /// The same with all characters equally wide.
    #[must_use]
    pub fn mono(self) -> Text {
        Text {
            pitch: Some(0.6),
            ..self
        }
    }

    /// The same with `spacing` of an em between characters.
    #[must_use]
    pub fn spaced(self, spacing: f32) -> Text {
        Text { spacing, ..self }
    }

    /// How wide a line of this text is, in pixels.
    pub fn width(&self, line: &str) -> f32 {
        line.chars()
            .map(|character| self.advance(glyph(character)))
            .sum()
    }

    /// Where a line begins, from its point.
    fn start(&self, line: &str) -> f32 {
        match self.align {
            Align::Left => 0.0,
            Align::Centre => self.width(line) * -0.5,
            Align::Right => -self.width(line),
        }
    }

    fn advance(&self, glyph: &Glyph) -> f32 {
        let own = glyph.advance / EM;
        (self.pitch.unwrap_or(own) + self.spacing) * self.size
    }
}

impl Canvas {
    /// Writes one line, its baseline at height `y`. Gives where the next character would stand.
    pub fn text(&mut self, x: f32, y: f32, line: &str, text: &Text, paint: &impl Paint) -> f32 {
        // A band far from the line need not look at its letters.
        let rows = self.rows();
        if y + text.size < rows.start as f32 || y - text.size > rows.end as f32 {
            return x + text.start(line) + text.width(line);
        }
        x + self.text_placed(Affine::translate(x, y), line, text, paint)
    }

    /// Writes one line anywhere: its baseline's point is the origin of a space that `place` moves,
    /// turns or shears. Gives where the next character would stand in that space.
    pub fn text_placed(
        &mut self,
        place: Affine,
        line: &str,
        text: &Text,
        paint: &impl Paint,
    ) -> f32 {
        let mut pen = text.start(line);
        let em = text.size;
        let growth = place.growth();
        let pen_width = (text.weight * em * growth).max(0.4);
        let mut path = Path::placed(place);
        for character in line.chars() {
            let glyph = glyph(character);
            let advance = text.advance(glyph);
            let scale = em / EM;
            let (left, across) = match text.pitch {
                None => (glyph.left * scale, scale),
                Some(pitch) => {
                    // Wide letters are pressed together until they fit their cell.
                    let room = (pitch - text.weight * 1.5) * em;
                    let across = scale.min(room / glyph.width.max(1e-3));
                    ((pitch * em - glyph.width * across) * 0.5, across)
                }
            };
            path.clear();
            for stroke in &glyph.strokes {
                let mut last = None;
                for (index, (px, py)) in stroke.iter().enumerate() {
                    let (px, py) = (pen + left + px * across, -py * scale);
                    match last {
                        None => path.move_to(px, py),
                        // In small letters most chords are shorter than the eye or a pixel sees.
                        Some((lx, ly))
                            if near((px - lx, py - ly), growth) && index + 1 < stroke.len() =>
                        {
                            continue;
                        }
                        Some(_) => path.line_to(px, py),
                    };
                    last = Some((px, py));
                }
            }
            self.stroke(&path, pen_width, paint);
            pen += advance;
        }
        pen
    }
}

fn near((dx, dy): (f32, f32), growth: f32) -> bool {
    (dx * dx + dy * dy) * growth * growth < 0.6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Light, Rgba};

    fn ink(canvas: &Canvas, columns: std::ops::Range<usize>) -> f32 {
        (0..canvas.height())
            .map(|y| canvas.row(y)[0][columns.clone()].iter().sum::<f32>())
            .sum()
    }

    #[test]
    fn text_stands_where_it_is_put() {
        for (text, columns) in [
            (Text::new(16.0), 50..100),
            (Text::new(16.0).right(), 0..51),
            (Text::new(16.0).centred(), 25..76),
        ] {
            let mut canvas = Canvas::new(100, 30, Light::Coded, Rgba::BLACK);
            canvas.text(50.0, 20.0, "Hg8", &text, &Rgba::WHITE);
            assert!(ink(&canvas, columns.clone()) > 20.0);
            let all = ink(&canvas, 0..100);
            assert!(
                (ink(&canvas, columns) - all).abs() < 1e-3,
                "{:?}",
                text.align
            );
        }
    }

    #[test]
    fn columns_are_equally_wide_and_widths_agree_with_drawing() {
        let text = Text::new(20.0);
        assert_eq!(text.mono().width("iiii"), text.mono().width("MMMM"));
        assert!(text.width("iiii") < text.width("MMMM"));
        let mut canvas = Canvas::new(200, 30, Light::Coded, Rgba::BLACK);
        let end = canvas.text(3.0, 20.0, "Wide °", &text, &Rgba::WHITE);
        assert!((end - 3.0 - text.width("Wide °")).abs() < 1e-3);
    }

    #[test]
    fn bold_has_more_ink() {
        let draw = |text: Text| {
            let mut canvas = Canvas::new(60, 30, Light::Coded, Rgba::BLACK);
            canvas.text(3.0, 22.0, "Ink", &text, &Rgba::WHITE);
            ink(&canvas, 0..60)
        };
        assert!(draw(Text::new(22.0).bold()) > 1.3 * draw(Text::new(22.0)));
    }
}
