//! A small anti-aliased canvas, made for test pictures, charts and reports.
//!
//! A [`Canvas`] holds red, green and blue as `f32`, in linear light or as coded for a file.
//! [`Path`]s are filled by exact area or stroked by distance, with any [`Paint`]; text is drawn in
//! a stroke font of our own. [`frame_of`] and [`canvas_of`] turn canvases into frames and back, and
//! [`write_png`] into a file. The same calls give the same bits on every machine and on any number
//! of threads: see [`math`].
//!
//! ```
//! use nervure_media::draw::{Canvas, Light, Rgba, Text};
//!
//! let mut canvas = Canvas::new(160, 90, Light::Coded, Rgba::WHITE);
//! canvas.circle(80.0, 45.0, 30.0, &Rgba::hex(0x2a6fdb));
//! canvas.text(80.0, 85.0, "a disc", &Text::new(14.0).centred(), &Rgba::BLACK);
//! assert!(canvas.pixel(80, 45).b > canvas.pixel(80, 45).r);
//! ```

mod canvas;
mod colour;
mod convert;
mod fill;
mod font;
mod image;
pub mod math;
mod paint;
mod path;
mod png;
mod shape;
mod stroke;
mod text;

pub use canvas::{Canvas, Row};
pub use colour::{Light, Rgba, decode, encode};
pub use convert::{canvas_of, frame_of, render_frame};
pub use image::Sampling;
pub use paint::{Linear, Paint, Radial, Ramp, Shader, Spot};
pub use path::{Affine, Path, Point};
pub use png::write_png;
pub use text::{Align, Text};
