//! Pictures on their way into the dataset, in either layout.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use nervure_frame::{Colour, Frame, PictureFormat, TimeBase};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clip::ClipWriter;
use crate::digest::{hex, sha256_of};
use crate::manifest::Layout;
use crate::picture::PngWriter;
use crate::store::Store;
use crate::{Error, Result};

/// Writes the pictures of one side of a pair into a folder for unfinished work.
pub(super) struct PictureWriter {
    side: Side,
    kind: Kind,
    folder: PathBuf,
    count: usize,
}

enum Kind {
    Png(Box<Pngs>),
    Clip(Box<ClipWriter>),
}

/// One file for each picture.
struct Pngs {
    encoder: PngWriter,
    hash: Sha256,
    /// Numbers of the pictures that have a mask.
    masks: Vec<usize>,
}

/// Finished pictures, not yet in their place.
#[derive(Serialize, Deserialize)]
pub(super) struct Pictures {
    side: Side,
    /// Where they are and what follows the stem in their final names.
    files: Vec<(PathBuf, String)>,
    /// Masks, likewise.
    masks: Vec<(PathBuf, String)>,
    /// SHA-256 of the files in order.
    pub(super) sha256: String,
}

/// Which side of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Side {
    /// Low resolution.
    Low,
    /// High resolution.
    High,
}

impl Side {
    fn folder(self) -> &'static str {
        match self {
            Side::Low => "lr",
            Side::High => "hr",
        }
    }
}

impl PictureWriter {
    /// Begins in an empty folder, which is made. Where the source does not say by which matrix its
    /// colours were made, `matrix` is meant: the same for both sides of a pair.
    pub(super) fn create(
        side: Side,
        folder: &Path,
        layout: Layout,
        format: PictureFormat,
        colour: Colour,
        time_base: TimeBase,
        matrix: u8,
    ) -> Result<Self> {
        fs::create_dir_all(folder).map_err(Error::io(format!("create {}", folder.display())))?;
        let kind = match layout {
            Layout::Png => Kind::Png(Box::new(Pngs {
                encoder: PngWriter::with_matrix(matrix),
                hash: Sha256::new(),
                masks: Vec::new(),
            })),
            Layout::Clips => {
                let path = folder.join(CLIP);
                let mut writer = ClipWriter::create(&path, format, colour, time_base)?;
                writer.flush_early()?;
                Kind::Clip(Box::new(writer))
            }
        };
        Ok(PictureWriter {
            side,
            kind,
            folder: folder.into(),
            count: 0,
        })
    }

    /// Adds a picture, with its mask if it has one.
    pub(super) fn write(&mut self, frame: &Frame) -> Result<()> {
        match &mut self.kind {
            Kind::Clip(writer) => writer.write(frame)?,
            Kind::Png(pngs) => {
                let bytes = pngs.encoder.frame(frame)?;
                pngs.hash.update(bytes);
                write(&self.folder.join(format!("{}.png", self.count)), bytes)?;
                if let Some(mask) = &frame.damage {
                    let bytes = pngs.encoder.mask(mask)?;
                    write(&self.folder.join(format!("{}.mask.png", self.count)), bytes)?;
                    pngs.masks.push(self.count);
                }
            }
        }
        self.count += 1;
        Ok(())
    }

    /// Ends them. They may not be on the disk yet: see [`Pictures::sync`].
    pub(super) fn finish(self) -> Result<Pictures> {
        match self.kind {
            Kind::Clip(writer) => {
                writer.finish_unsynced()?;
                let path = self.folder.join(CLIP);
                let sha256 = sha256_of(&path)?;
                Ok(Pictures {
                    side: self.side,
                    files: vec![(path, ".clip".into())],
                    masks: Vec::new(),
                    sha256,
                })
            }
            Kind::Png(pngs) => {
                let Pngs { hash, masks, .. } = *pngs;
                let named = |ending: &'static str| {
                    let folder = self.folder.clone();
                    move |index: usize| {
                        let path = folder.join(format!("{index}{ending}"));
                        (path, format!("-{index:05}.png"))
                    }
                };
                let files: Vec<_> = (0..self.count).map(named(".png")).collect();
                let masks: Vec<_> = masks.into_iter().map(named(".mask.png")).collect();
                Ok(Pictures {
                    side: self.side,
                    files,
                    masks,
                    sha256: hex(&hash.finalize()),
                })
            }
        }
    }
}

/// What a clip is called while it is unfinished.
pub(super) const CLIP: &str = "pictures.clip";

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(Error::io(format!("write {}", path.display())))
}

impl Pictures {
    /// Makes sure that they are on the disk, which takes a while.
    pub(super) fn sync(&self) -> Result<()> {
        // One after the other: the first makes the disk write most of the others too.
        self.files
            .iter()
            .chain(&self.masks)
            .try_for_each(|(path, _)| {
                File::open(path)
                    .and_then(|file| file.sync_all())
                    .map_err(Error::io(format!("write {}", path.display())))
            })
    }

    /// Moves them to where they belong.
    pub(super) fn place(&self, store: &Store, stem: &str) -> Result<()> {
        let sides = self.files.iter().map(|file| (self.side.folder(), file));
        let masks = self.masks.iter().map(|file| ("mask", file));
        for (folder, (path, ending)) in sides.chain(masks) {
            store.put_file(&format!("{folder}/{stem}{ending}"), path)?;
        }
        Ok(())
    }

    /// Gives them other names too, where they were placed under a stem.
    pub(super) fn link(&self, store: &Store, from: &str, to: &str) -> Result<()> {
        let folder = self.side.folder();
        for (_, ending) in &self.files {
            store.link(
                &format!("{folder}/{from}{ending}"),
                &format!("{folder}/{to}{ending}"),
            )?;
        }
        Ok(())
    }
}
