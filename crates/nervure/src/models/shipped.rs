//! Models that the command carries with it, so that it needs no files beside it.

/// Real-time models in whole numbers, by name.
macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        const SHIPPED: &[(&str, &[u8])] = &[$((
            $name,
            include_bytes!(concat!("../../../../models/", $name, ".int8.safetensors")),
        )),*];
    };
}

shipped![
    "residual-espcn-x2-xs",
    "residual-espcn-x2-s",
    "residual-espcn-x2-m",
    "residual-espcn-x2-l",
    "residual-espcn-x3-m",
    "residual-espcn-x4-m",
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
    use nervure_engine::Model;

    #[test]
    fn each_is_what_its_name_says_and_runs() {
        for (name, bytes) in SHIPPED {
            let model = Model::from_bytes(bytes).unwrap();
            assert_eq!(model.card().name, *name);
            let scale = format!("-x{}-", model.scale());
            assert!(name.contains(&scale), "{name}");
        }
        assert!(find("residual-espcn-x2-m").is_some() && find("nothing").is_none());
    }
}
