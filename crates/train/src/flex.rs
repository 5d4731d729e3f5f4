//! Tensors of burn in plain memory, for operations of our own.

use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

/// The numbers of a tensor that is contiguous.
pub(crate) fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("a contiguous tensor of f32")
}

/// A tensor of such numbers.
///
/// # Panics
/// When there are not as many as the shape has.
pub(crate) fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape))
}
