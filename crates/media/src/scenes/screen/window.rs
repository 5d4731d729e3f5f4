//! Windows and what is in them.

use crate::draw::math::smoothstep;
use crate::draw::{Canvas, Path, Rgba, Text};

use super::content::{CODE, LOG, PARAGRAPHS, Token, tokens};
use super::{Desk, shadow, wander};

/// What a window shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Editor,
    Page,
    Terminal,
    Chart,
}

pub(super) struct Window {
    title: &'static str,
    from: (f32, f32),
    to: (f32, f32),
    kind: Kind,
}

/// The inside of a window in pixels.
#[derive(Clone, Copy, Debug)]
struct Inside {
    x0: f32,
    y0: f32,
    x1: f32,
    y1: f32,
}

impl Window {
    pub(super) fn new(title: &'static str, from: (f32, f32), to: (f32, f32), kind: Kind) -> Window {
        Window {
            title,
            from,
            to,
            kind,
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, desk: &Desk) {
        let (x0, y0) = (desk.at(self.from.0), desk.at(self.from.1));
        let (x1, y1) = (desk.at(self.to.0), desk.at(self.to.1));
        if x1 - x0 < 8.0 || y1 - y0 < 8.0 {
            return;
        }
        let dark = self.kind == Kind::Terminal || (self.kind == Kind::Editor && dark(desk));
        shadow(canvas, (x0, y0), (x1, y1), desk.px(22.0));
        let radius = desk.px(8.0);
        let paper = match self.kind {
            Kind::Editor => Rgba::hex(desk.theme.code_paper),
            Kind::Terminal => Rgba::hex(0x0d1117),
            Kind::Page | Kind::Chart => Rgba::WHITE,
        };
        let (bar, ink) = if dark {
            (Rgba::hex(0x30353f), Rgba::hex(0xc8ced8))
        } else {
            (Rgba::hex(0xe7e9ee), Rgba::hex(0x3a4048))
        };
        let border = if dark {
            Rgba::hex(0x050608)
        } else {
            Rgba::hex(0xa6abb4)
        };
        let thick = desk.px(1.0);
        canvas.rounded(
            (x0 - thick, y0 - thick),
            (x1 + thick, y1 + thick),
            radius + thick,
            &border,
        );
        canvas.rounded((x0, y0), (x1, y1), radius, &paper);
        let head = desk.px(26.0);
        canvas.rounded((x0, y0), (x1, y0 + head + radius), radius, &bar);
        canvas.rect(x0, y0 + head, x1, y0 + head + thick, &border);
        canvas.rect(x0, y0 + head + thick, x1, y0 + head + radius + 1.0, &paper);
        for (index, colour) in [0xff5f57, 0xfebc2e, 0x28c840].into_iter().enumerate() {
            let x = x0 + desk.px(15.0) + desk.px(18.0) * index as f32;
            canvas.circle(
                x,
                y0 + desk.px(13.0),
                desk.px(5.5) + 0.2,
                &Rgba::hex(colour),
            );
        }
        let text = Text::new(desk.px(14.0));
        let middle = ((x0 + x1 - text.width(self.title)) * 0.5).floor();
        desk.write(canvas, middle, y0 + desk.px(18.0), self.title, &text, ink);
        let inside = Inside {
            x0,
            y0: y0 + head + thick,
            x1,
            y1: y1 - desk.px(4.0),
        };
        match self.kind {
            Kind::Editor => editor(canvas, desk, inside),
            Kind::Page => page(canvas, desk, inside),
            Kind::Terminal => terminal(canvas, desk, inside),
            Kind::Chart => chart(canvas, desk, inside),
        }
    }
}

fn dark(desk: &Desk) -> bool {
    Rgba::hex(desk.theme.code_paper).g < 0.5
}

fn code_colour(desk: &Desk, token: Token) -> Rgba {
    let index = match token {
        Token::Plain => 0,
        Token::Keyword => 1,
        Token::Quoted => 2,
        Token::Comment => 3,
        Token::Number => 4,
        Token::Call => 5,
        Token::Name => 6,
    };
    Rgba::hex(desk.theme.code_ink[index])
}

/// Code that is scrolled a few lines at a time, with a line being typed.
fn editor(canvas: &mut Canvas, desk: &Desk, inside: Inside) {
    let text = Text::new(desk.px(14.0)).mono();
    let pitch = text.width("m");
    let step = desk.px(18.0);
    let gutter = (pitch * 4.5).floor() + desk.px(10.0);
    // Each scroll takes a third of its time and then rests.
    let turn = desk.time / 1.6;
    let scroll = (turn.floor() as f32 + smoothstep(0.0, 0.35, turn.fract() as f32)) * 5.0;
    let offset = (scroll * step).floor();
    let first = (offset / step).floor() as usize;
    let shade = if dark(desk) {
        Rgba::WHITE.fade(0.05)
    } else {
        Rgba::BLACK.fade(0.05)
    };
    canvas.rect(
        inside.x0,
        inside.y0,
        inside.x0 + gutter - desk.px(6.0),
        inside.y1,
        &shade,
    );
    let lines = ((inside.y1 - inside.y0) / step) as usize + 2;
    let map = desk.px(70.0);
    let right = inside.x1 - map - desk.px(4.0);
    let start = (desk.seed % CODE.len() as u32) as usize;
    for line in first..first + lines {
        let base = inside.y0 + line as f32 * step - offset + desk.px(14.0);
        if base < inside.y0 + text.size * 0.75 || base > inside.y1 - desk.px(4.0) {
            continue;
        }
        let current = line == first + 12;
        if current {
            canvas.rect(
                inside.x0,
                base - desk.px(13.0),
                right,
                base + desk.px(5.0),
                &shade,
            );
        }
        let number = (line + 41).to_string();
        let quiet = code_colour(desk, Token::Comment);
        let at = inside.x0 + gutter - desk.px(14.0) - text.width(&number);
        desk.write(
            canvas,
            at.floor(),
            base,
            &number,
            &text,
            if current {
                code_colour(desk, Token::Plain)
            } else {
                quiet
            },
        );
        let source = CODE[(line + start) % CODE.len()];
        let mut column = 0;
        // The current line is being typed.
        let typed = if current {
            ((desk.time * 11.0) as usize) % (source.len() + 14)
        } else {
            usize::MAX
        };
        for (token, piece) in tokens(source) {
            for word in piece.split_inclusive(' ') {
                let x = inside.x0 + gutter + (column as f32 * pitch).floor();
                let room = ((right - x) / pitch).max(0.0) as usize;
                let left = typed.saturating_sub(column);
                let shown: String = word.chars().take(room.min(left)).collect();
                let seen = shown.trim_end();
                if !seen.is_empty() {
                    desk.write(canvas, x, base, seen, &text, code_colour(desk, token));
                }
                column += word.chars().count();
            }
        }
        if current && desk.time.fract() < 0.6 {
            let x = inside.x0 + gutter + (typed.min(source.len()) as f32 * pitch).floor();
            canvas.rect(
                x,
                base - desk.px(12.0),
                x + desk.px(2.0),
                base + desk.px(4.0),
                &Rgba::hex(desk.theme.accent),
            );
        }
    }
    minimap(canvas, desk, inside, map, first + start);
}

/// The whole file, each character a pixel or two.
fn minimap(canvas: &mut Canvas, desk: &Desk, inside: Inside, width: f32, first: usize) {
    let (left, tall) = (inside.x1 - width, desk.px(2.0));
    let step = desk.px(3.0);
    let letter = desk.px(1.0);
    let lines = ((inside.y1 - inside.y0) / step) as usize;
    let before = lines / 3;
    for line in 0..lines {
        let source = CODE[(first + CODE.len() * 4 + line - before) % CODE.len()];
        let y = inside.y0 + desk.px(4.0) + line as f32 * step;
        if y + tall > inside.y1 {
            break;
        }
        let mut column = 0;
        for (token, piece) in tokens(source) {
            for word in piece.split_inclusive(' ') {
                let length = word.trim_end().chars().count();
                let x = left + column as f32 * letter;
                let end = (x + length as f32 * letter).min(inside.x1 - desk.px(3.0));
                if length > 0 && x < end {
                    canvas.rect(x, y, end, y + tall, &code_colour(desk, token).fade(0.7));
                }
                column += word.chars().count();
            }
        }
    }
    let top = inside.y0 + desk.px(4.0) + before as f32 * step;
    let view = desk.px(106.0);
    canvas.rect(
        left - desk.px(3.0),
        top,
        inside.x1,
        (top + view).min(inside.y1),
        &Rgba::grey(0.6).fade(0.16),
    );
}

/// An article that is read: it scrolls by whole pixels.
fn page(canvas: &mut Canvas, desk: &Desk, inside: Inside) {
    let bar = desk.px(30.0);
    canvas.rect(
        inside.x0,
        inside.y0,
        inside.x1,
        inside.y0 + bar,
        &Rgba::hex(0xf4f5f8),
    );
    canvas.rect(
        inside.x0,
        inside.y0 + bar,
        inside.x1,
        inside.y0 + bar + desk.px(1.0),
        &Rgba::hex(0xd4d8df),
    );
    let (fx0, fx1) = (inside.x0 + desk.px(76.0), inside.x1 - desk.px(60.0));
    canvas.rounded(
        (fx0, inside.y0 + desk.px(5.0)),
        (fx1, inside.y0 + desk.px(25.0)),
        desk.px(10.0),
        &Rgba::WHITE,
    );
    let small = Text::new(desk.px(13.0));
    let grey = Rgba::hex(0x5a626e);
    desk.write(
        canvas,
        fx0 + desk.px(14.0),
        inside.y0 + desk.px(19.0),
        "https://example.org/upscaling/explained",
        &small,
        grey,
    );
    desk.write(
        canvas,
        inside.x0 + desk.px(16.0),
        inside.y0 + desk.px(20.0),
        "← → ↑",
        &small.bold(),
        grey,
    );
    let top = inside.y0 + bar + desk.px(1.0);
    let margin = desk.px(34.0);
    let width = inside.x1 - inside.x0 - 2.0 * margin;
    let body = Text::new(desk.px(15.0));
    let head = Text::new(desk.px(22.0)).bold();
    let step = desk.px(22.0);
    let lines = set(desk, width, &body);
    let total = lines.len() as f32 * step;
    let scroll = (desk.time as f32 % 4000.0 * 46.0 * desk.scale).floor() % total.max(1.0);
    let ink = Rgba::hex(0x20242c);
    for turn in 0..2 {
        for (index, (large, words)) in lines.iter().enumerate() {
            let y = top + index as f32 * step - scroll + turn as f32 * total + desk.px(24.0);
            let text = if *large { &head } else { &body };
            if y - text.size < top || y + text.size * 0.3 > inside.y1 {
                continue;
            }
            let x = inside.x0 + margin;
            if words.starts_with("[figure]") {
                continue;
            }
            desk.write(
                canvas,
                x,
                y,
                words,
                text,
                if *large { Rgba::hex(0x10182c) } else { ink },
            );
            if words.contains("network") && !*large {
                let before = words.split("network").next().unwrap_or_default();
                let (a, b) = (
                    x + text.width(before),
                    x + text.width(before) + text.width("network"),
                );
                canvas.rect(
                    a.floor(),
                    y + desk.px(2.0),
                    b.floor(),
                    y + desk.px(3.0),
                    &Rgba::hex(0x2563eb),
                );
            }
        }
    }
    // Where on the page it is.
    let track = inside.y1 - top;
    let thumb = track * 0.22;
    let place = top + (track - thumb) * (scroll / total.max(1.0));
    canvas.rounded(
        (inside.x1 - desk.px(10.0), place.floor()),
        (inside.x1 - desk.px(4.0), (place + thumb).floor()),
        desk.px(3.0),
        &Rgba::hex(0xb4bac4),
    );
}

/// Breaks the paragraphs into lines of a width.
fn set(desk: &Desk, width: f32, text: &Text) -> Vec<(bool, String)> {
    let mut lines = Vec::new();
    let from = desk.seed as usize % PARAGRAPHS.len();
    for index in 0..PARAGRAPHS.len() {
        let paragraph = PARAGRAPHS[(index + from) % PARAGRAPHS.len()];
        if let Some(title) = paragraph.strip_prefix("# ") {
            lines.push((false, String::new()));
            lines.push((true, title.to_string()));
            continue;
        }
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let longer = format!("{line}{}{word}", if line.is_empty() { "" } else { " " });
            if text.width(&longer) > width && !line.is_empty() {
                lines.push((false, std::mem::replace(&mut line, word.to_string())));
            } else {
                line = longer;
            }
        }
        lines.push((false, line));
        lines.push((false, String::new()));
    }
    lines
}

/// A log that grows line by line.
fn terminal(canvas: &mut Canvas, desk: &Desk, inside: Inside) {
    let text = Text::new(desk.px(14.0)).mono();
    let step = desk.px(18.0);
    let shown = (((inside.y1 - inside.y0) / step) as usize)
        .saturating_sub(1)
        .max(1);
    let count = (desk.time * 3.5) as usize + shown + (desk.seed & 15) as usize;
    let room = ((inside.x1 - inside.x0 - desk.px(24.0)) / text.width("m")) as usize;
    for line in 0..shown {
        let index = count - shown + line;
        let words = LOG[index % LOG.len()];
        let y = inside.y0 + desk.px(20.0) + line as f32 * step;
        let ink = if words.starts_with('$') {
            Rgba::hex(desk.theme.accent)
        } else if words.contains(" ok") {
            Rgba::hex(0x7ee787)
        } else if words.contains("switched") {
            Rgba::hex(0xffa657)
        } else {
            Rgba::hex(0xc9d1d9)
        };
        let words: String = words.chars().take(room).collect();
        desk.write(canvas, inside.x0 + desk.px(12.0), y, &words, &text, ink);
    }
    // A job's progress on the last line.
    let y = inside.y0 + desk.px(20.0) + shown as f32 * step;
    let part = (desk.time / 7.0).fract() as f32;
    let (x0, x1) = (inside.x0 + desk.px(12.0), inside.x1 - desk.px(80.0));
    let edge = (x0 + (x1 - x0) * part).floor();
    canvas.rect(x0, y - desk.px(11.0), x1, y, &Rgba::hex(0x21262d));
    canvas.rect(
        x0,
        y - desk.px(11.0),
        edge,
        y,
        &Rgba::hex(desk.theme.accent),
    );
    let share = format!("{:3.0}%", part * 100.0);
    desk.write(
        canvas,
        x1 + desk.px(12.0),
        y,
        &share,
        &text,
        Rgba::hex(0xc9d1d9),
    );
}

/// A chart that runs on from right to left.
fn chart(canvas: &mut Canvas, desk: &Desk, inside: Inside) {
    let small = Text::new(desk.px(12.0));
    let (x0, x1) = (inside.x0 + desk.px(44.0), inside.x1 - desk.px(18.0));
    let (y0, y1) = (inside.y0 + desk.px(38.0), inside.y1 - desk.px(26.0));
    if x1 - x0 < 4.0 || y1 - y0 < 4.0 {
        return;
    }
    let title = Text::new(desk.px(15.0)).bold();
    desk.write(
        canvas,
        inside.x0 + desk.px(16.0),
        inside.y0 + desk.px(23.0),
        "PSNR, last 30 s",
        &title,
        Rgba::hex(0x1f2937),
    );
    let hair = desk.px(1.0);
    for level in 0..5 {
        let y = (y1 - (y1 - y0) * level as f32 / 4.0).floor();
        canvas.rect(
            x0,
            y,
            x1,
            y + hair,
            &Rgba::hex(if level == 0 { 0x9ca3af } else { 0xe5e7eb }),
        );
        let label = (28 + 3 * level).to_string();
        desk.write(
            canvas,
            x0 - desk.px(8.0) - small.width(&label),
            y + desk.px(4.0),
            &label,
            &small,
            Rgba::hex(0x6b7280),
        );
    }
    let shift = desk.time * 0.55;
    let lines = [
        (0x2563eb, 0.22f32, 1u32),
        (0xea580c, 0.0, 2),
        (0x0d9488, 0.1, 3),
    ];
    for (colour, lift, code) in lines {
        let mut path = Path::new();
        for step in 0..=90 {
            let t = step as f32 / 90.0;
            let value = wander((shift + f64::from(t) * 7.0) * 1.3, desk.seed ^ code) * 0.5
                + 0.2 * wander((shift + f64::from(t) * 7.0) * 5.0, desk.seed ^ (code + 9));
            let y = y1 - (y1 - y0) * (value + lift).clamp(0.0, 1.0);
            path.line_to(x0 + (x1 - x0) * t, y);
        }
        canvas.stroke(&path, (1.8 * desk.scale).max(0.8), &Rgba::hex(colour));
    }
    let mut x = x0;
    for (colour, name) in [
        (0x2563eb, "enhanced"),
        (0xea580c, "player"),
        (0x0d9488, "bicubic"),
    ] {
        let y = inside.y1 - desk.px(9.0);
        canvas.rect(
            x,
            y - desk.px(6.0),
            x + desk.px(12.0),
            y - desk.px(3.0),
            &Rgba::hex(colour),
        );
        desk.write(
            canvas,
            x + desk.px(17.0),
            y,
            name,
            &small,
            Rgba::hex(0x374151),
        );
        x += desk.px(17.0) + small.width(name).ceil() + desk.px(18.0);
    }
}
