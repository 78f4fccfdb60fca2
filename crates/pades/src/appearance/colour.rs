//! Colours, of the device or calibrated (ISO 32000-2, 8.6).

use super::{Rules, draw::number};
use crate::object::{Dictionary, Object};

/// Daylight (D65), the white of sRGB.
const WHITE: [f64; 3] = [0.9505, 1.0, 1.089];
/// The primaries of sRGB.
const PRIMARIES: [f64; 9] = [
    0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505,
];
/// The tone curve of sRGB, nearly.
const GAMMA: f64 = 2.2;

/// What the samples of a picture mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColourSpace {
    Gray,
    Rgb,
}

impl ColourSpace {
    pub fn components(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
        }
    }

    /// PDF/A allows colours of a device only where they suit the file's output intent; those that
    /// are calibrated stand for themselves in every part of it.
    pub fn object(self, rules: Rules) -> Object {
        let numbers = |values: &[f64]| Object::Array(values.iter().copied().map(number).collect());
        let white = Dictionary::default().with("WhitePoint", numbers(&WHITE));
        let (name, parameters) = match self {
            Self::Gray if !rules.calibrated => return Object::name("DeviceGray"),
            Self::Rgb if !rules.calibrated => return Object::name("DeviceRGB"),
            Self::Gray => ("CalGray", white.with("Gamma", number(GAMMA))),
            Self::Rgb => {
                let parameters = white
                    .with("Gamma", numbers(&[GAMMA; 3]))
                    .with("Matrix", numbers(&PRIMARIES));
                ("CalRGB", parameters)
            }
        };
        Object::Array(vec![Object::name(name), Object::Dictionary(parameters)])
    }
}
