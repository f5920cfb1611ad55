//! Folders of IDX files with their usual names.

use std::path::{Path, PathBuf};

use crate::idx;
use crate::images::Images;
use crate::source_error::SourceError;

/// The images of every split found in `dir`, training before test.
pub(crate) fn load(dir: &Path) -> Result<Images, SourceError> {
    let mut pooled: Option<Images> = None;
    for split in ["train", "t10k"] {
        let Some(images) = load_split(dir, split)? else {
            continue;
        };
        pooled = Some(match pooled {
            Some(before) => before.pooled_with(&images)?,
            None => images,
        });
    }
    pooled.ok_or_else(|| SourceError::NoIdxFiles { dir: dir.to_owned() })
}

fn load_split(dir: &Path, split: &str) -> Result<Option<Images>, SourceError> {
    let images = find(dir, &format!("{split}-images"), "idx3-ubyte");
    let labels = find(dir, &format!("{split}-labels"), "idx1-ubyte");
    match (images, labels) {
        (Some(images), Some(labels)) => {
            let name = dir.display().to_string();
            let images = idx::open_images(&images)?;
            Ok(Some(Images::new(name, images, idx::open_labels(&labels)?)?))
        }
        (None, None) => Ok(None),
        (Some(found), None) => Err(SourceError::NoPartner { found, wanted: "labels" }),
        (None, Some(found)) => Err(SourceError::NoPartner { found, wanted: "images" }),
    }
}

/// The first file that exists: plain before `.gz`, `-` before `.`.
fn find(dir: &Path, stem: &str, kind: &str) -> Option<PathBuf> {
    ["", ".gz"]
        .into_iter()
        .flat_map(|suffix| ["-", "."].map(|joint| format!("{stem}{joint}{kind}{suffix}")))
        .map(|name| dir.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ONE_IMAGE: [u8; 18] = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 50, 60];

    fn labels(class: u8) -> [u8; 9] {
        [0, 0, 8, 1, 0, 0, 0, 1, class]
    }

    #[test]
    fn both_splits_and_spellings() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
        write("t10k-images.idx3-ubyte", &ONE_IMAGE);
        write("t10k-labels.idx1-ubyte", &labels(8));
        assert_eq!(load(dir.path()).unwrap().labels(), [8]);

        // Named `.gz` but not compressed: the content decides.
        write("train-images-idx3-ubyte.gz", &ONE_IMAGE);
        write("train-labels-idx1-ubyte.gz", &labels(5));
        assert_eq!(load(dir.path()).unwrap().labels(), [5, 8]);
    }

    #[test]
    fn no_files_and_labels_without_images() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(load(dir.path()), Err(SourceError::NoIdxFiles { .. })));
        fs::write(dir.path().join("train-labels-idx1-ubyte"), labels(1)).unwrap();
        assert!(matches!(load(dir.path()), Err(SourceError::NoPartner { wanted: "images", .. })));
    }
}
