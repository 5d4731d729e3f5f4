//! Blur for what is out of focus or glows, done once when a scene is made.

use crate::draw::math::{mix, split};
use crate::draw::{Canvas, Rgba};

/// Averages over squares of `2 * reach + 1` pixels.
pub(super) fn blurred(source: &Canvas, reach: usize) -> Canvas {
    let (width, height) = (source.width(), source.height());
    let mut across = Canvas::new(width, height, source.light(), Rgba::BLACK);
    for row in across.rows_mut() {
        let from = source.row(row.y);
        for (target, from) in [row.r, row.g, row.b].into_iter().zip(from) {
            for (x, value) in target.iter_mut().enumerate() {
                let window = &from[x.saturating_sub(reach)..(x + reach + 1).min(width)];
                *value = window.iter().sum::<f32>() / window.len() as f32;
            }
        }
    }
    let mut down = Canvas::new(width, height, source.light(), Rgba::BLACK);
    for row in down.rows_mut() {
        let rows = row.y.saturating_sub(reach)..(row.y + reach + 1).min(height);
        let share = 1.0 / rows.len() as f32;
        for y in rows {
            let from = across.row(y);
            for (target, from) in [&mut *row.r, &mut *row.g, &mut *row.b]
                .into_iter()
                .zip(from)
            {
                for (value, from) in target.iter_mut().zip(from) {
                    *value += from * share;
                }
            }
        }
    }
    down
}

/// A row of `source` at height `y`, from column `x` on, `step` columns from value to value,
/// straight between pixels; beyond the sides the last pixel goes on.
pub(super) fn sample_row(
    source: &Canvas,
    (x, y): (f32, f32),
    step: f32,
    [r, g, b]: [&mut [f32]; 3],
) {
    let (width, height) = (source.width() as i32, source.height() as i32);
    let (j, down) = split(y);
    let line = |row: i32| source.row(row.clamp(0, height - 1) as usize);
    let (upper, lower) = (line(j), line(j.saturating_add(1)));
    for (index, target) in [r, g, b].into_iter().enumerate() {
        let (upper, lower) = (upper[index], lower[index]);
        for (column, value) in target.iter_mut().enumerate() {
            let (i, across) = split(x + step * column as f32);
            let i0 = i.clamp(0, width - 1) as usize;
            let i1 = i.saturating_add(1).clamp(0, width - 1) as usize;
            *value = mix(
                mix(upper[i0], upper[i1], across),
                mix(lower[i0], lower[i1], across),
                down,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Light;

    #[test]
    fn blur_keeps_the_light_and_samples_fall_between_pixels() {
        let mut canvas = Canvas::new(9, 9, Light::Linear, Rgba::BLACK);
        canvas.rect(4.0, 4.0, 5.0, 5.0, &Rgba::WHITE);
        let soft = blurred(&canvas, 1);
        assert!((soft.pixel(3, 5).r - 1.0 / 9.0).abs() < 1e-6);
        assert_eq!(soft.pixel(6, 4).r, 0.0);
        let (mut r, mut g, mut b) = ([0.0; 3], [0.0; 3], [0.0; 3]);
        sample_row(&canvas, (3.5, 4.0), 0.5, [&mut r, &mut g, &mut b]);
        assert_eq!(r, [0.5, 1.0, 0.5]);
        sample_row(&canvas, (-90.0, 99.0), 80.0, [&mut r, &mut g, &mut b]);
        assert_eq!(r, [0.0; 3]);
    }
}
