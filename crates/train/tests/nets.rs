//! Networks: their sizes, what they give before they have learnt anything, and that all of them learns.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use nervure_frame::Plane;
use nervure_kernels::resample::{Filter, Resampler, Scratch};
use nervure_train::layers::{lanczos, pixel_shuffle};
use nervure_train::nets::{
    EnhancementEngine, FrameRecoveryConfig, LightweightConfig, ResidualEspcnConfig,
    SuperResolutionConfig, Tier, Upscaler,
};

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(0.0, 1.0), device)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Counts parameters, and those whose gradient is nowhere but zero.
struct Learns<'a> {
    gradients: &'a GradientsParams,
    parameters: usize,
    idle: usize,
}

impl ModuleVisitor for Learns<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.parameters += 1;
        let gradient = self.gradients.get::<D>(param.id);
        let moves = gradient.is_some_and(|gradient| numbers(gradient).iter().any(|x| *x != 0.0));
        self.idle += usize::from(!moves);
    }
}

/// Every parameter has a gradient.
fn assert_learns(net: &impl Module, output: Tensor<4>) {
    let target = random(output.dims(), &output.device());
    let error = output - target;
    let gradients = (error.clone() * error).mean().backward();
    let gradients = GradientsParams::from_grads(gradients, net);
    let mut learns = Learns {
        gradients: &gradients,
        parameters: 0,
        idle: 0,
    };
    net.visit(&mut learns);
    assert!(learns.parameters > 0);
    assert_eq!(learns.idle, 0, "of {}", learns.parameters);
}

/// What a network begins with is not far from the classical upscaler.
fn assert_close(found: Tensor<4>, wanted: Tensor<4>, most: f32) {
    assert_eq!(found.dims(), wanted.dims());
    let off: f32 = numbers((found - wanted).abs().mean())[0];
    assert!(off < most, "off by {off}");
}

#[test]
fn lanczos_is_that_of_the_kernels() {
    let device = Device::flex();
    let (width, height) = (37, 22);
    let picture = random([1, 1, height, width], &device);
    let bytes: Vec<u8> = numbers(picture).iter().map(|x| (x * 255.0) as u8).collect();
    let small = Plane::from_samples(width, height, &bytes);
    let exact: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte)).collect();
    let input = Tensor::<1>::from_floats(&exact[..], &device).reshape([1, 1, height, width]);
    for factor in [2, 3, 4] {
        let size = (width * factor, height * factor);
        let mut large = Plane::<u8>::new(size.0, size.1);
        let resampler = Resampler::new((width, height), size, Filter::Lanczos, (0.0, 0.0));
        let (stride, mut scratch) = (large.stride(), Scratch::new());
        for (rows, band) in large.bands_mut(size.1) {
            resampler.run(&small, rows, band, stride, &mut scratch);
        }
        let found = numbers(pixel_shuffle(lanczos(input.clone(), factor), factor));
        for (index, (found, wanted)) in found.iter().zip(large.rows().flatten()).enumerate() {
            let off = (found.clamp(0.0, 255.0) - f32::from(*wanted)).abs();
            assert!(off < 1.1, "{factor}x, sample {index}: {found} and {wanted}");
        }
    }
}

#[test]
fn a_pixel_shuffle_puts_channels_in_squares() {
    let device = Device::flex();
    let channels: Vec<f32> = (0..8).map(|x| x as f32).collect();
    let input = Tensor::<1>::from_floats(&channels[..], &device).reshape([1, 8, 1, 1]);
    let output = pixel_shuffle(input, 2);
    assert_eq!(output.dims(), [1, 2, 2, 2]);
    assert_eq!(numbers(output), channels);
}

#[test]
fn residual_espcn_has_the_size_of_its_tier() {
    let device = Device::flex().autodiff();
    for (tier, parameters, most_macs) in [
        (Tier::Xs, 2_124, 2_100.0),
        (Tier::S, 5_380, 5_400.0),
        (Tier::M, 16_980, 17_000.0),
        (Tier::L, 37_564, 38_000.0),
        (Tier::Xl, 66_212, 67_000.0),
    ] {
        let net = ResidualEspcnConfig::tier(tier, 2).init(&device);
        assert_eq!(net.num_params(), parameters, "{tier}");
        assert!(net.macs() <= most_macs, "{tier}: {}", net.macs());
        assert_eq!(tier.to_string().parse::<Tier>().unwrap(), tier);
    }
    for scale in [2, 3, 4] {
        let net = ResidualEspcnConfig::tier(Tier::Xs, scale).init(&device);
        let input = random([2, 1, 10, 14], &device);
        let output = net.forward(input.clone());
        assert_close(
            output.clone(),
            pixel_shuffle(lanczos(input, scale), scale),
            0.05,
        );
        assert_learns(&net, output);
    }
    assert!("xxl".parse::<Tier>().is_err());
}

#[test]
fn frames_before_are_used_and_the_last_is_enlarged() {
    let device = Device::flex();
    let config = ResidualEspcnConfig {
        frames: 3,
        ..ResidualEspcnConfig::tier(Tier::Xs, 2)
    };
    let net = config.init(&device);
    let input = random([1, 3, 8, 8], &device);
    let base = pixel_shuffle(lanczos(input.clone().narrow(1, 2, 1), 2), 2);
    let output = net.forward(input.clone());
    assert_close(output.clone(), base, 0.05);
    let other = Tensor::cat(
        vec![input.clone().narrow(1, 0, 1) * 0.5, input.narrow(1, 1, 2)],
        1,
    );
    assert!(numbers(net.forward(other)) != numbers(output));
}

#[test]
fn lightweight_super_resolution_has_about_fifty_thousand_parameters() {
    let device = Device::flex().autodiff();
    for scale in [2, 3, 4] {
        let net = LightweightConfig::new(scale).init(&device);
        let input = random([1, 9, 8, 12], &device);
        let output = net.forward(input.clone());
        let middle = input.narrow(1, 3, 3);
        assert_close(
            output.clone(),
            pixel_shuffle(lanczos(middle, scale), scale),
            0.05,
        );
        assert_learns(&net, output);
        if scale == 2 {
            assert_eq!(net.num_params(), 50_572);
            assert!((net.macs() - 50_000.0).abs() < 1_500.0, "{}", net.macs());
        }
    }
}

#[test]
fn super_resolution_has_about_820_thousand_parameters() {
    let device = Device::flex().autodiff();
    let net = SuperResolutionConfig::new(2).init(&device);
    let parameters = net.num_params();
    assert!((780_000..860_000).contains(&parameters), "{parameters}");
    for scale in [2, 3, 4] {
        let config = SuperResolutionConfig {
            features: 16,
            blocks: 2,
            ..SuperResolutionConfig::new(scale)
        };
        let net = config.init(&device);
        let input = random([1, 3, 8, 12], &device);
        let output = net.forward(input.clone());
        let middle = input.narrow(1, 1, 1);
        assert_close(
            output.clone(),
            pixel_shuffle(lanczos(middle, scale), scale),
            0.1,
        );
        assert_learns(&net, output);
    }
}

#[test]
fn frame_recovery_has_about_two_and_a_half_million_parameters() {
    let device = Device::flex().autodiff();
    let usual = FrameRecoveryConfig::default();
    let parameters = usual.init(&device).num_params();
    assert!((2_350_000..2_650_000).contains(&parameters), "{parameters}");
    for references in [1, 3] {
        let config = FrameRecoveryConfig {
            features: 8,
            blocks: 1,
            references,
            ..usual
        };
        let net = config.init(&device);
        let (picture, before) = (
            random([2, 1, 8, 12], &device),
            random([2, references, 8, 12], &device),
        );
        let (none, all) = (
            Tensor::zeros([2, 1, 8, 12], &device),
            Tensor::ones([2, 1, 8, 12], &device),
        );
        let last = before.clone().narrow(1, references - 1, 1);
        let whole = net.forward(picture.clone(), before.clone(), none);
        assert_close(whole, picture.clone(), 0.05);
        let lost = net.forward(picture.clone(), before, all);
        assert_close(lost.clone(), last, 0.05);
        assert_learns(&net, lost);
    }
}

#[test]
fn the_engine_mends_and_enlarges_as_it_is_switched() {
    let device = Device::flex();
    let recovery = FrameRecoveryConfig {
        features: 8,
        blocks: 1,
        ..FrameRecoveryConfig::default()
    };
    let upscaler = ResidualEspcnConfig::tier(Tier::Xs, 2).init(&device);
    let mut engine = EnhancementEngine::new()
        .with_recovery(recovery.init(&device), recovery.references)
        .with_upscaler(Upscaler::ResidualEspcn(upscaler, 1));
    let info = engine.model_info();
    let families: Vec<_> = info.iter().map(|info| info.family).collect();
    assert_eq!(families, ["frame-recovery", "residual-espcn"]);
    assert!(
        info.iter()
            .all(|info| info.on && info.parameters > 0 && info.macs > 0.0)
    );

    let pictures: Vec<_> = (0..3).map(|_| random([1, 1, 8, 8], &device)).collect();
    let lost = || Some(Tensor::ones([1, 1, 8, 8], &device));
    let size = |output: Tensor<4>| output.dims();
    assert_eq!(size(engine.enhance(&pictures, 1, lost())), [1, 1, 16, 16]);
    engine.switch_upscaler(false);
    assert_eq!(size(engine.enhance(&pictures, 1, lost())), [1, 1, 8, 8]);
    assert_close(
        engine.enhance(&pictures, 1, lost()),
        pictures[0].clone(),
        0.05,
    );
    engine.switch_recovery(false);
    let untouched = engine.enhance(&pictures, 1, lost());
    assert_eq!(numbers(untouched), numbers(pictures[1].clone()));
    assert!(engine.model_info().iter().all(|info| !info.on));
}
