//! A network's numbers as one row, in the order of its parts: what optimisers step through, and what
//! checkpoints keep.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};

use crate::{Error, Result};

/// One parameter's place in the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its path in the network, such as `convs.0.weight`.
    pub name: String,
    /// Its sides.
    pub shape: Vec<usize>,
    /// Its first number.
    pub start: usize,
}

impl Place {
    /// How many numbers it has.
    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Its part of a row.
    pub(crate) fn of<'a>(&self, row: &'a [f32]) -> &'a [f32] {
        &row[self.start..self.start + self.count()]
    }
}

/// Where each parameter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout(Vec<Place>);

impl Layout {
    /// That of a network, and its numbers.
    pub(crate) fn read(net: &impl Module) -> (Layout, Vec<f32>) {
        let mut reader = Reader::default();
        net.visit(&mut reader);
        (Layout(reader.places), reader.row)
    }

    /// Every parameter.
    pub(crate) fn places(&self) -> &[Place] {
        &self.0
    }

    /// The network with other numbers.
    ///
    /// # Panics
    /// When the row has another length.
    pub(crate) fn write<M: Module>(&self, net: M, row: &[f32]) -> M {
        assert_eq!(row.len(), self.numbers());
        net.map(&mut Writer { row })
    }

    /// How many numbers there are in all.
    pub(crate) fn numbers(&self) -> usize {
        self.0.iter().map(Place::count).sum()
    }

    /// Gathers gradients, in the same order; where a parameter has none they are zero.
    pub(crate) fn gradients(
        &self,
        net: &impl Module,
        gradients: &GradientsParams,
        row: &mut Vec<f32>,
    ) {
        row.clear();
        net.visit(&mut Gradients { gradients, row });
    }

    /// A row from named numbers, as of a file.
    pub(crate) fn row_of<'a>(
        &self,
        what: &str,
        mut named: impl FnMut(&str) -> Option<(&'a [usize], &'a [f32])>,
    ) -> Result<Vec<f32>> {
        let mut row = Vec::with_capacity(self.numbers());
        for place in &self.0 {
            let Some((shape, numbers)) = named(&place.name) else {
                return Err(misfit(format!("{what} has no {}", place.name)));
            };
            if shape != place.shape {
                let (name, wanted) = (&place.name, &place.shape);
                return Err(misfit(format!(
                    "{name} is {shape:?} in {what}, and {wanted:?} in the network"
                )));
            }
            row.extend_from_slice(numbers);
        }
        Ok(row)
    }
}

fn misfit(what: String) -> Error {
    Error::refused(
        what,
        "it is of another network: give the [model] it was made with",
    )
}

#[derive(Default)]
struct Reader {
    path: Vec<String>,
    places: Vec<Place>,
    row: Vec<f32>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        if !is_choice(container_type) {
            self.path.push(name.into());
        }
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        if !is_choice(container_type) {
            self.path.pop();
        }
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        self.places.push(Place {
            name: self.path.join("."),
            shape: tensor.dims().to_vec(),
            start: self.row.len(),
        });
        self.row.extend(numbers(tensor.detach()));
    }
}

/// Which of several networks it is, is no part of a path.
fn is_choice(container_type: &str) -> bool {
    container_type.starts_with("Enum:")
}

struct Writer<'a> {
    row: &'a [f32],
}

impl ModuleMapper for Writer<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let (numbers, rest) = self.row.split_at(shape.iter().product());
        self.row = rest;
        let data = TensorData::new(numbers.to_vec(), shape);
        let learns = tensor.is_require_grad();
        let tensor = Tensor::from_data(data, &tensor.device()).set_require_grad(learns);
        Param::from_mapped_value(id, tensor, mapper)
    }
}

struct Gradients<'a> {
    gradients: &'a GradientsParams,
    row: &'a mut Vec<f32>,
}

impl ModuleVisitor for Gradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match self.gradients.get::<D>(param.id) {
            Some(gradient) => self.row.extend(numbers(gradient)),
            None => {
                let count: usize = param.val().dims().iter().product();
                self.row.extend(std::iter::repeat_n(0.0, count));
            }
        }
    }
}

/// A tensor's numbers.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data();
    // Networks hold single precision and nothing else, which makes anything else a fault of ours.
    data.try_into_vec().expect("numbers of single precision")
}
