//! One page about a demo.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Summary, number};
use crate::enhance::work::write_whole;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1f26}\
img{max-width:100%;border-radius:6px}table{border-collapse:collapse}td,th{padding:.3rem 1rem .3rem 0;text-align:left;\
border-bottom:1px solid #d8dce4}td+td,th+th{text-align:right}pre{background:#f3f4f7;padding:1rem;border-radius:6px;\
overflow:auto}@media(prefers-color-scheme:dark){body{background:#14161c;color:#d6dae2}pre{background:#1e2129}\
td,th{border-color:#333844}}";

/// Writes the page.
pub(super) fn write(path: &Path, summary: &Summary) -> Result<()> {
    write_whole(path, html(summary)?.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

fn html(summary: &Summary) -> Result<String> {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>nervure demo</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>\n\
         <h1>nervure demo</h1>\n\
         <p>A sample was rendered at 1280x720, sent at {:.0} kbit/s in half the size, and enlarged again.</p>\n\
         <p><img src=\"before-after.png\" alt=\"The same details as they were sent, enhanced, and in the original\"></p>\n\
         <h2>Against the original</h2>\n<table><tr><th>upscaler<th>PSNR-Y, dB<th>SSIM<th>MS-SSIM\n",
        summary.sent_kbps
    );
    for score in &summary.scores {
        writeln!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{}",
            escape(&score.upscaler),
            number(score.psnr_y, 2),
            number(score.ssim, 4),
            number(score.ms_ssim, 4)
        )?;
    }
    page.push_str(
        "</table>\n<p>Lanczos makes a picture larger and adds no detail; the model learnt from decoded video \
         what compression takes. Most of the loss stays what the low rate took.</p>\n<p><img src=\"scenes.svg\" alt=\"PSNR of each scene\"></p>\n\
         <p><img src=\"gain.svg\" alt=\"How much each frame gains\"></p>\n\
         <p><img src=\"quality.svg\" alt=\"PSNR of each frame\"></p>\n\
         <h2>What was run</h2>\n<pre>",
    );
    for command in &summary.commands {
        writeln!(page, "{}", escape(command))?;
    }
    writeln!(
        page,
        "</pre>\n<h2>Next</h2>\n<pre>nervure enhance your-video.mp4\nnervure enhance --help</pre>\n\
         <p>Made in {:.0} s by nervure {}.</p></html>",
        summary.seconds,
        env!("CARGO_PKG_VERSION")
    )?;
    Ok(page)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
