//! Words to fill windows with.

/// What a piece of code is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Plain,
    Keyword,
    Quoted,
    Comment,
    Number,
    Call,
    Name,
}

/// Splits a line of code into pieces that are coloured alike.
pub(super) fn tokens(line: &str) -> Vec<(Token, &str)> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (token, length) = if rest.starts_with("//") {
            (Token::Comment, rest.len())
        } else if first == '"' {
            let end = rest[1..].find('"').map_or(rest.len(), |end| end + 2);
            (Token::Quoted, end)
        } else if first.is_ascii_digit() {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
                .unwrap_or(rest.len());
            (Token::Number, end)
        } else if first.is_alphabetic() || first == '_' {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            let token = if KEYWORDS.contains(&&rest[..end]) {
                Token::Keyword
            } else if first.is_uppercase() {
                Token::Name
            } else if rest[end..].starts_with('(') || rest[end..].starts_with('!') {
                Token::Call
            } else {
                Token::Plain
            };
            (token, end)
        } else {
            let end = rest
                .find(|c: char| c.is_alphanumeric() || c == '_' || c == '"' || c == '/')
                .unwrap_or(rest.len());
            (Token::Plain, end.max(first.len_utf8()))
        };
        pieces.push((token, &rest[..length]));
        rest = &rest[length..];
    }
    pieces
}

const KEYWORDS: &[&str] = &[
    "fn", "let", "mut", "pub", "struct", "impl", "for", "in", "if", "else", "match", "return",
    "use", "while", "loop", "self", "const", "as", "mod", "enum", "true", "false", "where",
];

pub(super) const CODE: &[&str] = &[
    "use std::collections::VecDeque;",
    "",
    "/// Frames that wait for their moment.",
    "pub struct Player {",
    "    queue: VecDeque<Frame>,",
    "    clock: Clock,",
    "    late: u64,",
    "}",
    "",
    "impl Player {",
    "    pub fn new(rate: f64) -> Player {",
    "        Player {",
    "            queue: VecDeque::with_capacity(8),",
    "            clock: Clock::ticking(1.0 / rate),",
    "            late: 0,",
    "        }",
    "    }",
    "",
    "    /// Shows what is due and drops what is late.",
    "    pub fn tick(&mut self, screen: &mut Screen) -> bool {",
    "        let now = self.clock.now();",
    "        while let Some(frame) = self.queue.front() {",
    "            if frame.pts > now {",
    "                return true;",
    "            }",
    "            let frame = self.queue.pop_front();",
    "            if now - frame.pts > 0.040 {",
    "                self.late += 1; // nobody would see it",
    "                continue;",
    "            }",
    "            screen.show(&frame.picture, frame.pts);",
    "        }",
    "        false",
    "    }",
    "",
    "    pub fn feed(&mut self, packet: &[u8]) -> Result<usize> {",
    "        let mut decoded = 0;",
    "        for frame in self.decoder.decode(packet)? {",
    "            let frame = match self.scale {",
    "                1 => frame,",
    "                2 | 3 | 4 => upscale(&frame, self.scale),",
    "                other => panic!(\"no scale {other}\"),",
    "            };",
    "            self.queue.push_back(frame);",
    "            decoded += 1;",
    "        }",
    "        Ok(decoded)",
    "    }",
    "}",
    "",
    "fn upscale(frame: &Frame, scale: usize) -> Frame {",
    "    let taps = lanczos(3, scale);",
    "    let mut out = Frame::new(frame.width * scale, frame.height * scale);",
    "    for (y, row) in out.rows_mut().enumerate() {",
    "        let phase = y % scale;",
    "        let source = frame.row(y / scale);",
    "        for (x, pixel) in row.iter_mut().enumerate() {",
    "            *pixel = taps[phase].apply(source, x / scale);",
    "        }",
    "    }",
    "    out // bit for bit the same on every machine",
    "}",
    "",
    "const WINDOW: f64 = 3.0;",
    "",
    "fn weight(x: f64) -> f64 {",
    "    if x == 0.0 { return 1.0; }",
    "    let t = x * std::f64::consts::PI;",
    "    WINDOW * t.sin() * (t / WINDOW).sin() / (t * t)",
    "}",
    "",
];

pub(super) const PARAGRAPHS: &[&str] = &[
    "# Why small pictures look soft",
    "A streamed picture arrives smaller than the screen it is shown on. Every player enlarges it, and most do so in the quickest way there is: straight lines between neighbouring pixels. Edges turn into ramps, and fine texture melts into an even grey.",
    "# What a better filter can do",
    "A longer filter looks at more neighbours and keeps edges steep. It cannot bring back what the encoder threw away, but it stops throwing away more. On cartoons and on text the gain is seen at once; on grain it is small.",
    "Measured on six scenes at half size, the gain over straight lines lies between 0.4 and 2.1 dB. The dearest scene is the football match: grass is texture down to the last pixel.",
    "# What a network can add",
    "Networks have seen millions of edges. Where the filter must guess a straight continuation, a network knows what eyelids, blades of grass and letters look like at twice the size. It costs a few milliseconds a frame, and on some content it is worth a third of the bitrate.",
    "All of this only counts if the picture stays in step with the sound, keeps its colours and plays on the hardware people have. That is most of the work.",
];

pub(super) const LOG: &[&str] = &[
    "$ nervure enhance match.mp4 -o match-2x.mp4",
    "source   640x360 H.264, 29.97 fps, 4:2:0 8-bit",
    "target   1280x720, lanczos, x264 crf 18",
    "segment 0001  240 frames  212.4 fps  ok",
    "segment 0002  240 frames  208.9 fps  ok",
    "segment 0003  240 frames  214.0 fps  ok",
    "segment 0004  239 frames  201.7 fps  ok",
    "audio    aac 48000 Hz copied, 1 gap closed",
    "segment 0005  240 frames  219.3 fps  ok",
    "$ nervure score original.mkv match-2x.mp4",
    "psnr_y 38.42  ssim 0.9713  ms_ssim 0.9921",
    "$ du -h match.mp4 match-2x.mp4",
    "3.1M    match.mp4",
    "19M     match-2x.mp4",
    "$ tail -f session.log",
    "00:12.480 buffer 14.2 s  throughput 2.61 Mbit/s",
    "00:16.480 buffer 15.9 s  throughput 2.48 Mbit/s",
    "00:20.480 buffer 12.3 s  throughput 1.12 Mbit/s",
    "00:24.480 buffer 11.8 s  switched to 360p, enhanced",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keep_every_character() {
        for line in CODE {
            let joined: String = tokens(line).iter().map(|(_, piece)| *piece).collect();
            assert_eq!(joined, *line);
        }
        let kinds: Vec<Token> = tokens("let x = f(\"a\", 2); // no")
            .into_iter()
            .map(|(token, _)| token)
            .filter(|token| *token != Token::Plain)
            .collect();
        assert_eq!(
            kinds,
            [
                Token::Keyword,
                Token::Call,
                Token::Quoted,
                Token::Number,
                Token::Comment
            ]
        );
    }
}
