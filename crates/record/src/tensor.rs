//! Numbers with a shape.

use crate::{Error, Result};

/// Numbers with a shape, the last axis closest together.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// How many there are along each axis; none for a single number.
    pub shape: Vec<usize>,
    /// The numbers.
    pub data: Data,
}

/// The numbers of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Single precision.
    F32(Vec<f32>),
    /// Quantised weights.
    I8(Vec<i8>),
    /// Biases and the like of what is quantised.
    I32(Vec<i32>),
}

impl Data {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Data::F32(numbers) => numbers.len(),
            Data::I8(numbers) => numbers.len(),
            Data::I32(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn kind(&self) -> &'static str {
        match self {
            Data::F32(_) => "f32",
            Data::I8(_) => "i8",
            Data::I32(_) => "i32",
        }
    }
}

impl Tensor {
    /// Of single-precision numbers.
    pub fn f32(shape: impl Into<Vec<usize>>, numbers: Vec<f32>) -> Result<Self> {
        Tensor::new(shape.into(), Data::F32(numbers))
    }

    /// Of bytes with a sign.
    pub fn i8(shape: impl Into<Vec<usize>>, numbers: Vec<i8>) -> Result<Self> {
        Tensor::new(shape.into(), Data::I8(numbers))
    }

    /// Of 32-bit integers.
    pub fn i32(shape: impl Into<Vec<usize>>, numbers: Vec<i32>) -> Result<Self> {
        Tensor::new(shape.into(), Data::I32(numbers))
    }

    fn new(shape: Vec<usize>, data: Data) -> Result<Self> {
        let tensor = Tensor { shape, data };
        tensor.check()?;
        Ok(tensor)
    }

    /// Whether it has as many numbers as its shape says.
    pub(crate) fn check(&self) -> Result<()> {
        let found = self.data.len();
        let wanted = self
            .shape
            .iter()
            .try_fold(1usize, |count, axis| count.checked_mul(*axis));
        match wanted == Some(found) {
            true => Ok(()),
            false => Err(Error::Count {
                shape: self.shape.clone(),
                found,
            }),
        }
    }

    /// Its numbers, if they are single-precision.
    pub fn as_f32(&self) -> Result<&[f32]> {
        match &self.data {
            Data::F32(numbers) => Ok(numbers),
            other => Err(other.is_not("f32")),
        }
    }

    /// Its numbers, if they are bytes.
    pub fn as_i8(&self) -> Result<&[i8]> {
        match &self.data {
            Data::I8(numbers) => Ok(numbers),
            other => Err(other.is_not("i8")),
        }
    }

    /// Its numbers, if they are 32-bit integers.
    pub fn as_i32(&self) -> Result<&[i32]> {
        match &self.data {
            Data::I32(numbers) => Ok(numbers),
            other => Err(other.is_not("i32")),
        }
    }
}

impl Data {
    fn is_not(&self, wanted: &'static str) -> Error {
        Error::Kind {
            found: self.kind(),
            wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_must_fit() {
        assert!(Tensor::f32([2, 3], vec![0.0; 6]).is_ok());
        assert!(Tensor::i8([], vec![1]).is_ok(), "a single number");
        assert!(Tensor::i8([2, 3], vec![0; 5]).is_err());
        assert!(Tensor::i32([usize::MAX, 2], vec![0; 4]).is_err());
        // 2^64 numbers would wrap to none.
        assert!(Tensor::i32([1 << 32, 1 << 32], Vec::new()).is_err());
    }

    #[test]
    fn only_what_it_holds() {
        let tensor = Tensor::i8([2], vec![1, -1]).expect("it fits");
        assert_eq!(tensor.as_i8().expect("bytes"), [1, -1]);
        let error = tensor.as_f32().expect_err("no floats");
        assert_eq!(
            error.to_string(),
            "a tensor of i8 where one of f32 is wanted"
        );
        assert!(tensor.as_i32().is_err());
    }
}
