//! A stroke font: letters as the lines a pen would draw.
//!
//! Drawn for this project on a grid of twenty units to the em, y upwards: capitals and digits are
//! 14 high, small letters 10, ascenders reach 14.6 and descenders -4.5. Each glyph has the space
//! kept free on its left and right, and an outline in a small language: `M x y` lifts the pen to a
//! point, `L x y` draws a line, `C x y x y x y` a Bézier curve with two control points,
//! `E x y rx ry` an ellipse, and `A x y rx ry from to` an arc about a point between two angles in
//! degrees, counter-clockwise when they rise, joined to the pen.

use std::sync::OnceLock;

use super::math::{cos_turns, sin_turns};

/// One stroke: points in font units.
pub(super) type Stroke = Vec<(f32, f32)>;

/// A glyph ready to be placed.
#[derive(Debug)]
pub(super) struct Glyph {
    /// Polylines; a single point is a dot.
    pub(super) strokes: Vec<Stroke>,
    /// From the pen's place to the leftmost point.
    pub(super) left: f32,
    /// From the pen's place to that of the next glyph.
    pub(super) advance: f32,
    /// From the leftmost to the rightmost point.
    pub(super) width: f32,
}

/// Units in an em.
pub(super) const EM: f32 = 20.0;

/// The width that all digits share, so that numbers stand in columns.
const DIGIT: f32 = 11.7;

/// The glyph of a character, or the box that stands for characters without one.
pub(super) fn glyph(character: char) -> &'static Glyph {
    static FONT: OnceLock<(Vec<(char, Glyph)>, Glyph)> = OnceLock::new();
    let (glyphs, unknown) = FONT.get_or_init(|| {
        let mut glyphs: Vec<(char, Glyph)> = GLYPHS
            .iter()
            .map(|(character, left, right, outline)| {
                (*character, build(*character, *left, *right, outline))
            })
            .collect();
        glyphs.sort_by_key(|(character, _)| *character);
        (glyphs, build('\u{fffd}', 1.6, 1.6, UNKNOWN))
    });
    glyphs
        .binary_search_by_key(&character, |(character, _)| *character)
        .map_or(unknown, |index| &glyphs[index].1)
}

const UNKNOWN: &str = "M0 0L0 14L8 14L8 0L0 0";

/// Character, free space left and right, outline.
#[rustfmt::skip]
const GLYPHS: &[(char, f32, f32, &str)] = &[
    (' ', 3.1, 3.1, ""),
    ('!', 2.4, 2.4, "M0 14L0 4.6M0 .1L0 0"),
    ('"', 1.8, 1.8, "M0 14L0 10M3.2 14L3.2 10"),
    ('#', 1.2, 1.2, "M3.4 13.4L1.6 .6M8.4 13.4L6.6 .6M.8 9.6L9.8 9.6M.2 4.6L9.2 4.6"),
    ('$', 1.4, 1.4, "A4.6 10.4 4.1 3.4 32 270A4.6 3.6 4.5 3.4 90 -148M4.6 16.2L4.6 -2.2"),
    ('%', 1.4, 1.4, "E2.6 10.9 2.6 3.1E10.6 3.1 2.6 3.1M11 14L2.2 0"),
    ('&', 1.2, 0.8, "M10.4 0L2.9 8.7C1.9 9.9 1.5 10.8 1.5 11.6C1.5 13.1 2.6 14.1 4.1 14.1C5.6 14.1 6.7 13.1 6.7 11.7C6.7 10.2 5.4 9.2 3.4 8C1.2 6.7 0 5.5 0 3.6C0 1.4 1.6 -.1 4.2 -.1C7.4 -.1 9.1 2.4 9.5 6.4"),
    ('\'', 1.8, 1.8, "M0 14L0 10"),
    ('(', 1.8, 1.2, "M3.2 16C1.1 13.4 0 10.2 0 6.4C0 2.6 1.1 -.6 3.2 -3.2"),
    (')', 1.2, 1.8, "M0 16C2.1 13.4 3.2 10.2 3.2 6.4C3.2 2.6 2.1 -.6 0 -3.2"),
    ('*', 1.4, 1.4, "M3.2 14L3.2 7.4M.4 12.3L6 9.1M6 12.3L.4 9.1"),
    ('+', 1.6, 1.6, "M4.2 11L4.2 2.6M0 6.8L8.4 6.8"),
    (',', 1.6, 2.0, "M.8 .3C.9 -1 .6 -2 0 -2.9"),
    ('-', 1.4, 1.4, "M0 5.6L4.6 5.6"),
    ('.', 2.0, 2.0, "M0 .1L0 0"),
    ('/', 0.8, 0.8, "M0 -2L6.2 15.6"),
    ('0', 0.0, 0.0, "E4.2 7 4.2 7.1"),
    ('1', 0.0, 0.0, "M0 11L4 14L4 0"),
    ('2', 0.0, 0.0, "M.3 10.4C.4 12.7 2.1 14.1 4.3 14.1C6.6 14.1 8.3 12.6 8.3 10.3C8.3 8.6 7.5 7.2 5.7 5.3L.3 0L8.6 0"),
    ('3', 0.0, 0.0, "A3.9 10.6 3.8 3.5 152 -90L3 7.1M3.9 7.1A3.9 3.5 4.3 3.6 90 -154"),
    ('4', 0.0, 0.0, "M6.6 0L6.6 14L0 4L9 4"),
    ('5', 0.0, 0.0, "M7.9 14L1.6 14L.8 7.5C1.7 8.5 2.8 9 4.2 9C6.8 9 8.5 7.2 8.5 4.5C8.5 1.7 6.7 -.1 4 -.1C2.2 -.1 .9 .6 0 1.9"),
    ('6', 0.0, 0.0, "M7.5 12.3C6.9 13.5 5.9 14.1 4.7 14.1C1.6 14.1 0 11 0 6.5L0 4.5E4.2 4.5 4.2 4.6"),
    ('7', 0.0, 0.0, "M0 14L8.4 14L2.8 0"),
    ('8', 0.0, 0.0, "E4.3 10.6 3.7 3.5E4.3 3.5 4.3 3.6"),
    ('9', 0.0, 0.0, "M.9 1.7C1.5 .5 2.5 -.1 3.7 -.1C6.8 -.1 8.4 3 8.4 7.5L8.4 9.5E4.2 9.5 4.2 4.6"),
    (':', 2.0, 2.0, "M0 8.7L0 8.6M0 .1L0 0"),
    (';', 1.6, 2.0, "M.8 8.7L.8 8.6M.8 .3C.9 -1 .6 -2 0 -2.9"),
    ('<', 1.6, 1.6, "M8 11.4L0 6.8L8 2.2"),
    ('=', 1.6, 1.6, "M0 9L8.4 9M0 4.6L8.4 4.6"),
    ('>', 1.6, 1.6, "M0 11.4L8 6.8L0 2.2"),
    ('?', 1.2, 1.4, "M0 10.9C.1 12.8 1.7 14.1 3.8 14.1C6 14.1 7.5 12.8 7.5 10.9C7.5 9.3 6.6 8.4 5.3 7.3C4.1 6.3 3.7 5.6 3.7 4.4M3.7 .1L3.7 0"),
    ('@', 1.4, 1.4, "E6.7 5.6 2.9 3.3M9.7 8.9L9.6 4.3C9.6 2.9 10.3 2.2 11.3 2.2C12.9 2.2 13.5 4 13.5 6.2C13.5 10.7 10.7 13.6 6.8 13.6C2.8 13.6 0 10.4 0 5.8C0 1.1 2.8 -2 7 -2C8.7 -2 10.1 -1.6 11.3 -.9"),
    ('A', 0.8, 0.8, "M0 0L5.3 14L10.6 0M1.8 4.7L8.8 4.7"),
    ('B', 2.0, 1.2, "M0 14L4.6 14A4.8 10.7 3.7 3.3 90 -90L0 7.4M4.8 7.4A5 3.7 4.2 3.7 90 -90L0 0L0 14"),
    ('C', 1.3, 1.1, "A5.8 7 5.8 7.2 46 314"),
    ('D', 2.0, 1.3, "M0 14L3.8 14A3.8 7 6.6 7 90 -90L0 0L0 14"),
    ('E', 2.0, 1.1, "M7.8 14L0 14L0 0L8 0M0 7.4L6.8 7.4"),
    ('F', 2.0, 0.8, "M7.8 14L0 14L0 0M0 7.2L6.6 7.2"),
    ('G', 1.3, 1.7, "A5.8 7 5.8 7.2 46 318L10.4 6.6L6.2 6.6"),
    ('H', 2.0, 2.0, "M0 0L0 14M9.4 0L9.4 14M0 7.3L9.4 7.3"),
    ('I', 2.0, 2.0, "M0 0L0 14"),
    ('J', 0.8, 1.9, "M6.4 14L6.4 3.7A3.2 3.6 3.2 3.7 0 -166"),
    ('K', 2.0, 0.8, "M0 0L0 14M9 14L0 5.2M3.3 8.4L9.4 0"),
    ('L', 2.0, 0.8, "M0 14L0 0L7.4 0"),
    ('M', 2.0, 2.0, "M0 0L0 14L6 4L12 14L12 0"),
    ('N', 2.0, 2.0, "M0 0L0 14L9.6 0L9.6 14"),
    ('O', 1.3, 1.3, "E6.2 7 6.2 7.2"),
    ('P', 2.0, 1.0, "M0 0L0 14L4.8 14A4.8 10.2 4 3.8 90 -90L0 6.4"),
    ('Q', 1.3, 1.3, "E6.2 7 6.2 7.2M7.6 3.4L12 -1"),
    ('R', 2.0, 1.0, "M0 0L0 14L4.8 14A4.8 10.2 4 3.8 90 -90L0 6.4M4.8 6.4L9.2 0"),
    ('S', 1.2, 1.2, "A4.6 10.6 4.1 3.5 34 270A4.6 3.6 4.5 3.6 90 -146"),
    ('T', 0.8, 0.8, "M0 14L10 14M5 14L5 0"),
    ('U', 1.9, 1.9, "M0 14L0 4.7A4.7 4.7 4.7 4.8 180 360L9.4 14"),
    ('V', 0.8, 0.8, "M0 14L5.2 0L10.4 14"),
    ('W', 0.9, 0.9, "M0 14L3.9 0L7.8 12.4L11.7 0L15.6 14"),
    ('X', 0.9, 0.9, "M0 0L9.6 14M0 14L9.6 0"),
    ('Y', 0.8, 0.8, "M0 14L5 6.6L10 14M5 6.6L5 0"),
    ('Z', 1.1, 1.1, "M.2 14L9 14L0 0L9.2 0"),
    ('[', 2.0, 1.2, "M3.2 16L0 16L0 -3.2L3.2 -3.2"),
    ('\\', 0.8, 0.8, "M0 15.6L6.2 -2"),
    (']', 1.2, 2.0, "M0 16L3.2 16L3.2 -3.2L0 -3.2"),
    ('^', 1.4, 1.4, "M0 8.8L3.6 14L7.2 8.8"),
    ('_', 0.4, 0.4, "M0 -2.6L9.2 -2.6"),
    ('`', 1.6, 1.6, "M0 14.6L2.4 12.2"),
    ('a', 1.2, 1.6, "M.8 8.3C1.5 9.5 2.6 10.1 4 10.1C6.2 10.1 7.3 8.9 7.3 6.9L7.3 0M7.3 6L4 5.7C1.4 5.4 0 4.5 0 2.7C0 1 1.2 -.1 3.2 -.1C5.4 -.1 7.3 1.4 7.3 3.8"),
    ('b', 1.7, 1.3, "M0 14.6L0 0E4 5 4 5.1"),
    ('c', 1.3, 0.9, "A4.1 5 4.1 5.1 48 312"),
    ('d', 1.3, 1.7, "M8 14.6L8 0E4 5 4 5.1"),
    ('e', 1.3, 1.1, "M.1 5.4L8.2 5.4A4.15 5 4.1 5.1 4 314"),
    ('f', 0.7, 0.5, "M5.3 14.5C3.1 14.9 2 13.7 2 11.7L2 0M0 9.8L4.8 9.8"),
    ('g', 1.3, 1.7, "E4 5 4 5.1M8 10L8 -.4C8 -3.1 6.5 -4.5 4 -4.5C2.5 -4.5 1.3 -4 .6 -3.1"),
    ('h', 1.7, 1.6, "M0 14.6L0 0M0 6A3.7 6.3 3.7 3.8 180 0L7.4 0"),
    ('i', 1.7, 1.7, "M0 10L0 0M0 13.6L0 13.5"),
    ('j', 0.3, 1.7, "M2.4 10L2.4 -2C2.4 -3.7 1.6 -4.6 0 -4.5M2.4 13.6L2.4 13.5"),
    ('k', 1.7, 0.6, "M0 14.6L0 0M6.9 10L0 3.5M2.7 6L7.3 0"),
    ('l', 1.7, 1.1, "M0 14.6L0 2.3C0 .7 .7 -.1 2.2 0"),
    ('m', 1.7, 1.6, "M0 10L0 0M0 6A3.1 6.5 3.1 3.6 180 0L6.2 0M6.2 6A9.3 6.5 3.1 3.6 180 0L12.4 0"),
    ('n', 1.7, 1.6, "M0 10L0 0M0 6A3.7 6.3 3.7 3.8 180 0L7.4 0"),
    ('o', 1.3, 1.3, "E4.2 5 4.2 5.1"),
    ('p', 1.7, 1.3, "M0 10L0 -4.5E4 5 4 5.1"),
    ('q', 1.3, 1.7, "M8 10L8 -4.5E4 5 4 5.1"),
    ('r', 1.7, 0.4, "M0 10L0 0M0 5.8C.3 8.7 1.9 10.3 4.5 9.9"),
    ('s', 1.1, 1.1, "A3.5 7.55 3.1 2.5 36 270A3.5 2.5 3.4 2.55 90 -146"),
    ('t', 0.7, 0.7, "M2.1 13.2L2.1 2.7C2.1 .7 3.1 -.3 5.2 .1M0 9.8L4.9 9.8"),
    ('u', 1.6, 1.7, "M0 10L0 3.7A3.7 3.7 3.7 3.8 180 360L7.4 10M7.4 10L7.4 0"),
    ('v', 0.7, 0.7, "M0 10L4 0L8 10"),
    ('w', 0.8, 0.8, "M0 10L3 0L6 8.8L9 0L12 10"),
    ('x', 0.8, 0.8, "M0 0L7.4 10M0 10L7.4 0"),
    ('y', 0.7, 0.7, "M.2 10L4.2 .2M8.2 10L3.4 -2.3C2.8 -3.9 1.9 -4.6 0 -4.5"),
    ('z', 1.0, 1.0, "M.2 10L6.8 10L0 0L7 0"),
    ('{', 1.4, 1.2, "M3.8 16C1.9 16 1.5 15 1.5 13.4L1.5 9.4C1.5 7.6 1 6.7 0 6.4C1 6.1 1.5 5.2 1.5 3.4L1.5 -.6C1.5 -2.2 1.9 -3.2 3.8 -3.2"),
    ('|', 2.2, 2.2, "M0 16L0 -3.2"),
    ('}', 1.2, 1.4, "M0 16C1.9 16 2.3 15 2.3 13.4L2.3 9.4C2.3 7.6 2.8 6.7 3.8 6.4C2.8 6.1 2.3 5.2 2.3 3.4L2.3 -.6C2.3 -2.2 1.9 -3.2 0 -3.2"),
    ('~', 1.5, 1.5, "M0 5.9C.6 7.7 1.6 8.4 2.8 8.2C4.4 7.9 5 6 6.6 5.6C7.9 5.3 8.8 6.2 9.2 7.8"),
    ('°', 1.2, 1.2, "E2.2 11.9 2.2 2.2"),
    ('±', 1.6, 1.6, "M4.2 12L4.2 4.4M0 8.2L8.4 8.2M0 1L8.4 1"),
    ('²', 1.0, 1.0, "M.2 12.8C.4 13.8 1.2 14.2 2.2 14.2C3.4 14.2 4.3 13.5 4.3 12.3C4.3 11.3 3.6 10.5 2.6 9.6L.2 7.5L4.5 7.5"),
    ('µ', 1.6, 1.7, "M0 10L0 -4.5M0 3.7A3.7 3.7 3.7 3.8 180 360L7.4 10M7.4 10L7.4 0"),
    ('·', 1.8, 1.8, "M0 6.9L0 6.8"),
    ('×', 1.8, 1.8, "M.4 3.2L7.6 10.4M.4 10.4L7.6 3.2"),
    ('–', 0.8, 0.8, "M0 5.6L8.4 5.6"),
    ('—', 0.4, 0.4, "M0 5.6L15 5.6"),
    ('…', 2.0, 2.0, "M0 .1L0 0M5 .1L5 0M10 .1L10 0"),
    ('←', 1.4, 1.4, "M11.4 6.8L0 6.8M3.8 10.6L0 6.8L3.8 3"),
    ('↑', 1.4, 1.4, "M3.8 0L3.8 13.4M0 9.6L3.8 13.4L7.6 9.6"),
    ('→', 1.4, 1.4, "M0 6.8L11.4 6.8M7.6 10.6L11.4 6.8L7.6 3"),
    ('↓', 1.4, 1.4, "M3.8 14L3.8 .6M0 4.4L3.8 .6L7.6 4.4"),
    ('−', 1.6, 1.6, "M0 6.8L8.4 6.8"),
    ('≈', 1.5, 1.5, "M0 8C.6 9.6 1.6 10.2 2.8 10C4.4 9.7 5 8.2 6.6 7.8C7.9 7.5 8.8 8.2 9.2 9.6M0 3.6C.6 5.2 1.6 5.8 2.8 5.6C4.4 5.3 5 3.8 6.6 3.4C7.9 3.1 8.8 3.8 9.2 5.2"),
    ('≤', 1.6, 1.6, "M8 12.4L0 8.4L8 4.4M0 .6L8 .6"),
    ('≥', 1.6, 1.6, "M0 12.4L8 8.4L0 4.4M0 .6L8 .6"),
];

fn build(character: char, left: f32, right: f32, outline: &str) -> Glyph {
    let mut strokes = parse(outline);
    let points = || strokes.iter().flatten();
    let low = points().map(|p| p.0).fold(f32::MAX, f32::min);
    let high = points().map(|p| p.0).fold(f32::MIN, f32::max);
    let (low, width) = if low > high {
        (0.0, 0.0)
    } else {
        (low, high - low)
    };
    for point in strokes.iter_mut().flatten() {
        point.0 -= low;
    }
    if character.is_ascii_digit() {
        Glyph {
            strokes,
            left: (DIGIT - width) * 0.5,
            advance: DIGIT,
            width,
        }
    } else {
        Glyph {
            strokes,
            left,
            advance: left + width + right,
            width,
        }
    }
}

/// The strokes of an outline. Glyphs are data of this file, so a wrong one simply shows.
fn parse(outline: &str) -> Vec<Stroke> {
    let mut strokes: Vec<Stroke> = Vec::new();
    let mut rest = outline;
    while let Some(command) = rest.chars().next() {
        rest = &rest[command.len_utf8()..];
        let end = rest
            .find(|c: char| c.is_ascii_uppercase())
            .unwrap_or(rest.len());
        let numbers: Vec<f32> = rest[..end]
            .split_ascii_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        rest = &rest[end..];
        match (command, numbers.as_slice()) {
            ('M', &[x, y]) => strokes.push(vec![(x, y)]),
            ('L', &[x, y]) => last(&mut strokes).push((x, y)),
            ('C', &[x1, y1, x2, y2, x3, y3]) => {
                bezier(last(&mut strokes), [(x1, y1), (x2, y2), (x3, y3)]);
            }
            ('E', &[x, y, rx, ry]) => {
                strokes.push(Vec::new());
                arc(last(&mut strokes), (x, y), (rx, ry), 180.0, 540.0);
            }
            ('A', &[x, y, rx, ry, from, to]) => {
                arc(last(&mut strokes), (x, y), (rx, ry), from, to);
            }
            _ => {}
        }
    }
    strokes
}

fn last(strokes: &mut Vec<Stroke>) -> &mut Stroke {
    if strokes.is_empty() {
        strokes.push(Vec::new());
    }
    let index = strokes.len() - 1;
    &mut strokes[index]
}

/// Chords in a curve: enough for letters a few hundred pixels high.
const CHORDS: usize = 16;

fn bezier(stroke: &mut Stroke, [a, b, c]: [(f32, f32); 3]) {
    let from = stroke.last().copied().unwrap_or(a);
    for i in 1..=CHORDS {
        let t = i as f32 / CHORDS as f32;
        let u = 1.0 - t;
        let (p, q, r, s) = (u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t);
        stroke.push((
            p * from.0 + q * a.0 + r * b.0 + s * c.0,
            p * from.1 + q * a.1 + r * b.1 + s * c.1,
        ));
    }
}

fn arc(stroke: &mut Stroke, centre: (f32, f32), radius: (f32, f32), from: f32, to: f32) {
    let count = ((to - from).abs() / 360.0 * 2.5 * CHORDS as f32)
        .ceil()
        .max(4.0) as usize;
    for i in 0..=count {
        let turns = (from + (to - from) * i as f32 / count as f32) / 360.0;
        stroke.push((
            centre.0 + radius.0 * cos_turns(turns),
            centre.1 + radius.1 * sin_turns(turns),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_printable_character_is_drawn() {
        let unknown = glyph('\u{fffd}');
        for code in 33u8..127 {
            let drawn = glyph(code as char);
            assert!(!std::ptr::eq(drawn, unknown), "{:?}", code as char);
            assert!(drawn.strokes.iter().all(|stroke| stroke.len() > 1));
            assert!(drawn.advance > drawn.width && drawn.advance < 20.0);
        }
        for character in "°×–µ…→−±²".chars() {
            assert!(!std::ptr::eq(glyph(character), unknown), "{character}");
        }
        assert!(std::ptr::eq(glyph('漢'), unknown));
    }

    #[test]
    fn every_outline_is_understood_in_full() {
        for (character, _, _, outline) in GLYPHS {
            let commands = outline.chars().filter(char::is_ascii_uppercase).count();
            let numbers: Vec<&str> = outline
                .split(|c: char| c.is_ascii_uppercase() || c == ' ')
                .filter(|word| !word.is_empty())
                .collect();
            assert!(
                numbers.iter().all(|word| word.parse::<f32>().is_ok()),
                "{character}"
            );
            let wanted: usize = outline
                .chars()
                .filter_map(|c| match c {
                    'M' | 'L' => Some(2),
                    'C' | 'A' => Some(6),
                    'E' => Some(4),
                    _ => None,
                })
                .sum();
            assert_eq!(numbers.len(), wanted, "{character}, {commands} commands");
        }
    }

    #[test]
    fn digits_stand_in_columns() {
        for digit in '0'..='9' {
            assert_eq!(glyph(digit).advance, DIGIT);
        }
        assert!(glyph('i').advance < glyph('m').advance);
    }
}
