//! Models as files: from networks, and back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use nervure_dataset::manifest::Manifest;
use nervure_record::{
    Artefact, Card, DataSource, Family, Planes, Precision, Quality, SCHEMA, Tensor, Training,
};
use sha2::{Digest, Sha256};

use super::checkpoint::Phase;
use super::config::{ModelConfig, TrainConfig};
use super::net::Net;
use super::validation::Scores;
use super::weights::{Layout, Place};
use crate::nets::Quantised;
use crate::{Error, Result};

/// What a model's file is called.
pub(super) fn file_name(config: &TrainConfig, phase: Phase) -> String {
    format!("{}.{phase}.safetensors", config.name)
}

/// What a card says that is known only at the end.
pub(super) struct CardFacts<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) phase: Phase,
    pub(super) step: u64,
    pub(super) parent: Option<String>,
    pub(super) quality: Vec<Quality>,
    pub(super) data: Vec<DataSource>,
}

impl CardFacts<'_> {
    fn card(self) -> Result<Card> {
        let config = self.config;
        let resolved = serde_json::to_value(config).map_err(|error| {
            Error::refused(
                format!("the configuration cannot be put on a card: {error}"),
                "this is a fault of nervure: please report it",
            )
        })?;
        Ok(Card {
            schema: SCHEMA,
            name: config.name.clone(),
            family: family(&config.model),
            parameters: config.model.parameters(),
            scale: config.model.task().scale() as u32,
            planes: Planes::Luma,
            precision: match self.phase {
                Phase::Fp32 => Precision::Fp32,
                Phase::Int8 => Precision::Int8,
            },
            training: Training {
                config: resolved,
                steps: self.step,
                seed: config.seed,
                data: self.data,
            },
            parent: self.parent,
            quality: self.quality,
            sources: config.card.sources.clone(),
            licence: match config.card.licence.as_str() {
                "" => "not stated".into(),
                licence => licence.into(),
            },
            notes: config.card.notes.clone(),
        })
    }
}

fn family(model: &ModelConfig) -> Family {
    match model {
        ModelConfig::ResidualEspcn { .. } => Family::ResidualEspcn,
        ModelConfig::LightweightSuperResolution { .. } => Family::LightweightSuperResolution,
        ModelConfig::SuperResolution { .. } => Family::SuperResolution,
        ModelConfig::FrameRecovery { .. } => Family::FrameRecovery,
    }
}

/// Quality as a card has it: by how clips were compressed.
pub(super) fn quality(config: &TrainConfig, scores: &Scores) -> Vec<Quality> {
    let names = config.data.valid.iter().map(|path| name_of(path));
    let test_set = names.collect::<Vec<_>>().join(", ");
    let by_condition = scores.by_condition().into_iter();
    by_condition
        .map(|(condition, summary)| Quality {
            test_set: test_set.clone(),
            condition,
            clips: summary.clips as u32,
            psnr_y: summary.model.psnr,
            ssim: summary.model.ssim,
            psnr_y_lanczos: summary.classical.psnr,
            ssim_lanczos: summary.classical.ssim,
            worst_gain: summary.worst.1,
        })
        .collect()
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Datasets with their digests: those of all that their manifests say.
pub(super) fn data_sources(datasets: &[impl AsRef<Path>]) -> Result<Vec<DataSource>> {
    datasets
        .iter()
        .map(|folder| {
            let folder = folder.as_ref();
            let mut hash = Sha256::new();
            for manifest in Manifest::read_all(folder)? {
                hash.update(manifest.to_text()?);
            }
            let bytes = hash.finalize();
            Ok(DataSource {
                name: name_of(folder),
                sha256: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            })
        })
        .collect()
}

/// A network in single precision, with its card.
pub(super) fn fp32(facts: CardFacts<'_>, net: &Net) -> Result<Vec<u8>> {
    let (layout, row) = Layout::read(net);
    let mut tensors = BTreeMap::new();
    for place in layout.places() {
        let tensor = Tensor::f32(place.shape.clone(), place.of(&row).to_vec())?;
        tensors.insert(place.name.clone(), tensor);
    }
    let card = facts.card()?;
    Ok(Artefact { card, tensors }.to_bytes()?)
}

/// A network in whole numbers, with its card.
pub(super) fn int8(facts: CardFacts<'_>, net: &Quantised) -> Result<Vec<u8>> {
    let mut tensors = BTreeMap::new();
    for (number, layer) in net.layers().into_iter().enumerate() {
        let outputs = layer.bias.len();
        let mut add = |name: &str, tensor: Tensor| {
            tensors.insert(format!("convs.{number}.{name}"), tensor);
        };
        let shape = vec![outputs, layer.inputs, 3, 3];
        add("weight", Tensor::i8(shape, layer.weights)?);
        add("bias", Tensor::i32(vec![outputs], layer.bias)?);
        let multipliers = layer.requantisers.iter().map(|it| it.multiplier.into());
        let multipliers = Tensor::i32(vec![outputs], multipliers.collect())?;
        add("multiplier", multipliers);
        let shifts = layer
            .requantisers
            .iter()
            .map(|it| it.shift.into())
            .collect();
        add("shift", Tensor::i32(vec![outputs], shifts)?);
        let scales = Tensor::f32(vec![outputs], layer.weight_scales)?;
        add("weight_scale", scales);
        let input = Tensor::f32(vec![1], vec![layer.input_scale])?;
        add("input_scale", input);
    }
    let card = facts.card()?;
    Ok(Artefact { card, tensors }.to_bytes()?)
}

/// Reads a model's file.
pub fn read(path: &Path) -> Result<Artefact> {
    let bytes = fs::read(path).map_err(|source| Error::Io {
        action: format!("read {}", path.display()),
        source,
    })?;
    Ok(Artefact::from_bytes(&bytes)?)
}

/// The network with the weights of a file, which may be of one with fewer layers.
pub(super) fn read_weights(path: &Path, net: Net) -> Result<Net> {
    let artefact = deepened(read(path)?, &net)?;
    weights(&artefact, &path.display().to_string(), net)
}

/// The bytes of a file that is a model of just this shape.
pub(super) fn whole(path: &Path, net: &Net) -> Result<Option<Vec<u8>>> {
    let artefact = read(path)?;
    let same = {
        let (layout, _) = Layout::read(net);
        let shape = |place: &Place| artefact.tensors.get(&place.name).map(|it| &it.shape);
        let mut places = layout.places().iter();
        places.all(|place| shape(place) == Some(&place.shape))
            && artefact.tensors.len() == layout.places().len()
    };
    Ok(same.then(|| artefact.to_bytes()).transpose()?)
}

/// The weights of a chain for one with more layers, which begins by giving the same pictures: layers that are
/// new stand before the last and give what they are given. (What comes out of a ReLU passes another.)
fn deepened(mut artefact: Artefact, net: &Net) -> Result<Artefact> {
    if artefact.card.family != Family::ResidualEspcn || artefact.card.precision != Precision::Fp32 {
        return Ok(artefact);
    }
    let (layout, _) = Layout::read(net);
    let names = layout.places().iter().map(|place| &place.name);
    let wanted = names.filter(|name| name.ends_with(".weight")).count();
    let has = artefact.card.parameter("layers")?;
    if has < 2 || wanted <= has {
        return Ok(artefact);
    }
    let name = |layer: usize, part: &str| format!("convs.{layer}.{part}");
    for part in ["weight", "bias"] {
        if let Some(tensor) = artefact.tensors.remove(&name(has - 1, part)) {
            artefact.tensors.insert(name(wanted - 1, part), tensor);
        }
    }
    let new = (has - 1..wanted - 1).flat_map(|layer| ["weight", "bias"].map(|it| name(layer, it)));
    let new: Vec<String> = new.collect();
    for place in layout
        .places()
        .iter()
        .filter(|place| new.contains(&place.name))
    {
        let mut numbers = vec![0.0; place.shape.iter().product()];
        if let [channels, _, rows, columns] = place.shape[..] {
            // The middle of the kernel, from each channel to itself.
            let kernel = rows * columns;
            let middles = numbers
                .iter_mut()
                .skip(kernel / 2)
                .step_by((channels + 1) * kernel);
            middles.for_each(|weight| *weight = 1.0);
        }
        let tensor = Tensor::f32(place.shape.clone(), numbers)?;
        artefact.tensors.insert(place.name.clone(), tensor);
    }
    Ok(artefact)
}

fn weights(artefact: &Artefact, name: &str, net: Net) -> Result<Net> {
    if artefact.card.precision != Precision::Fp32 {
        return Err(Error::refused(
            format!("{name} holds whole numbers"),
            "give the model of single precision that it was made from",
        ));
    }
    let (layout, _) = Layout::read(&net);
    let row = layout.row_of(name, |name| {
        let tensor = artefact.tensors.get(name)?;
        Some((&tensor.shape[..], tensor.as_f32().ok()?))
    })?;
    Ok(layout.write(net, &row))
}

/// The network that a file holds, in single precision, and what it is.
pub fn read_net(path: &Path, device: &Device) -> Result<(Net, ModelConfig)> {
    net_of(&read(path)?, &path.display().to_string(), device)
}

/// The same of what was read already, from a file of such a name.
pub fn net_of(artefact: &Artefact, name: &str, device: &Device) -> Result<(Net, ModelConfig)> {
    let model = model_of(&artefact.card)?;
    let net = weights(artefact, name, model.init(device))?;
    Ok((net, model))
}

/// The network that a card tells of.
pub fn model_of(card: &Card) -> Result<ModelConfig> {
    let scale = card.scale as usize;
    let size = |name: &str| card.parameter(name);
    Ok(match card.family {
        Family::ResidualEspcn => ModelConfig::ResidualEspcn {
            scale,
            tier: None,
            channels: Some(size("channels")?),
            layers: Some(size("layers")?),
            frames: Some(size("frames")?),
        },
        Family::LightweightSuperResolution => ModelConfig::LightweightSuperResolution {
            scale,
            window: Some(size("window")?),
        },
        Family::SuperResolution => ModelConfig::SuperResolution {
            scale,
            window: Some(size("window")?),
            features: Some(size("features")?),
            blocks: Some(size("blocks")?),
        },
        Family::FrameRecovery => ModelConfig::FrameRecovery {
            references: Some(size("references")?),
            features: Some(size("features")?),
            blocks: Some(size("blocks")?),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets::Network;

    #[test]
    fn weights_have_the_names_of_the_format() {
        let device = Device::flex();
        let text = "name='a'\n[model]\nfamily='residual-espcn'\nscale=2\n[data]\ntrain=['x']";
        let config = TrainConfig::parse::<&str>(text, &[]).unwrap();
        let net = config.model.init(&device);
        let facts = CardFacts {
            config: &config,
            phase: Phase::Fp32,
            step: 3,
            parent: None,
            quality: Vec::new(),
            data: Vec::new(),
        };
        let bytes = fp32(facts, &net).unwrap();
        let artefact = Artefact::from_bytes(&bytes).unwrap();
        let weight = artefact.tensor("convs.3.weight").unwrap();
        assert_eq!(weight.shape, [4, 16, 3, 3]);
        assert_eq!(artefact.tensors.len(), 8);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        fs::write(&path, &bytes).unwrap();
        let (again, model) = read_net(&path, &device).unwrap();
        assert_eq!(Layout::read(&again), Layout::read(&net));
        assert_eq!(model.task(), config.model.task());
        let other =
            "name='a'\n[model]\nfamily='residual-espcn'\nscale=2\nchannels=8\n[data]\ntrain=['x']";
        let other = TrainConfig::parse::<&str>(other, &[]).unwrap();
        let told = read_weights(&path, other.model.init(&device)).unwrap_err();
        assert!(
            told.to_string().contains("convs.0.weight is [16, 1, 3, 3]"),
            "{told}"
        );
    }

    #[test]
    fn a_deeper_chain_begins_with_the_pictures_of_a_shallow_one() {
        let device = Device::flex();
        let of = |layers: usize, channels: usize| {
            let text = format!(
                "name='a'\n[model]\nfamily='residual-espcn'\nscale=2\nlayers={layers}\n\
                 channels={channels}\n[data]\ntrain=['x']"
            );
            TrainConfig::parse::<&str>(&text, &[]).unwrap()
        };
        let shallow = of(3, 8);
        let net = shallow.model.init(&device);
        // The last layer begins near zero: there it could hardly be told whether it is the right one.
        let (layout, mut row) = Layout::read(&net);
        for (number, weight) in row.iter_mut().enumerate() {
            *weight += 0.1 * (number as f32).sin();
        }
        let net = layout.write(net, &row);
        let facts = CardFacts {
            config: &shallow,
            phase: Phase::Fp32,
            step: 3,
            parent: None,
            quality: Vec::new(),
            data: Vec::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        fs::write(&path, fp32(facts, &net).unwrap()).unwrap();
        let picture: Vec<f32> = (0..99).map(|at| (at as f32 * 0.7).sin().abs()).collect();
        let picture = burn::tensor::Tensor::<1>::from_floats(&picture[..], &device);
        let picture = picture.reshape([1, 1, 9, 11]);
        let given = |net: &Net| -> Vec<f32> {
            let corrections = net.corrections(picture.clone());
            corrections.into_data().try_into_vec().unwrap()
        };
        for layers in [3, 4, 7] {
            let deep = read_weights(&path, of(layers, 8).model.init(&device)).unwrap();
            let pairs = given(&deep).into_iter().zip(given(&net));
            let furthest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(furthest < 1e-5, "{layers} layers: {furthest}");
        }
        for other in [of(2, 8), of(5, 16)] {
            assert!(read_weights(&path, other.model.init(&device)).is_err());
        }
    }
}
