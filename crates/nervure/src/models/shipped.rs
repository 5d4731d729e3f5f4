//! Models that the command carries with it, so that it needs no files beside it.

/// Models by name, each with its precision: whole numbers for real time, single precision for the rest.
macro_rules! shipped {
    ($($name:literal $precision:literal),* $(,)?) => {
        const SHIPPED: &[(&str, &[u8])] = &[$((
            $name,
            include_bytes!(concat!(
                "../../../../models/", $name, ".", $precision, ".safetensors"
            )),
        )),*];
    };
}

shipped![
    "residual-espcn-x2-xs" "int8",
    "residual-espcn-x2-s" "int8",
    "residual-espcn-x2-m" "int8",
    "residual-espcn-x2-l" "int8",
    "residual-espcn-x2-xl" "int8",
    "residual-espcn-x3-m" "int8",
    "residual-espcn-x4-m" "int8",
    "lightweight-super-resolution-x2" "fp32",
];

/// The file of a model.
pub(crate) fn find(name: &str) -> Option<&'static [u8]> {
    let found = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
    Some(found.1)
}

/// All that there are.
pub(crate) fn names() -> Vec<&'static str> {
    SHIPPED.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_engine::{FloatModel, Model};
    use nervure_record::{Artefact, Precision};

    #[test]
    fn each_is_what_its_name_says_and_runs() {
        for (name, bytes) in SHIPPED {
            let card = Artefact::from_bytes(bytes).unwrap().card;
            assert_eq!(card.name, *name);
            let scale = match card.precision {
                Precision::Int8 => Model::from_bytes(bytes).unwrap().scale(),
                Precision::Fp32 => FloatModel::from_bytes(bytes).unwrap().scale(),
            };
            assert!(name.contains(&format!("-x{scale}")), "{name}");
        }
        assert!(find("residual-espcn-x2-m").is_some() && find("nothing").is_none());
    }
}
