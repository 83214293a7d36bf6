//! Why a value can't be decoded.

use std::fmt;

/// Why a value can't be decoded, and where in it.
#[derive(Debug)]
pub struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: FaultKind,
    message: String,
    /// The fields around the place, the innermost first.
    path: Vec<String>,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The bytes are not what the schema says.
    Malformed,
    /// The value is beyond a limit.
    TooLarge,
}

impl Fault {
    /// The bytes are not what the schema says.
    #[cold]
    pub fn malformed(message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Malformed, message.into())
    }

    /// The value is beyond a limit.
    #[cold]
    pub fn too_large(message: impl Into<String>) -> Fault {
        Fault::new(FaultKind::TooLarge, message.into())
    }

    fn new(kind: FaultKind, message: String) -> Fault {
        Fault(Box::new(Inner {
            kind,
            message,
            path: Vec::new(),
        }))
    }

    /// Whose fault it is.
    pub fn kind(&self) -> FaultKind {
        self.0.kind
    }

    /// Adds the name of the field around the place.
    #[cold]
    pub(super) fn inside(mut self, field: &str) -> Fault {
        self.0.path.push(field.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { message, path, .. } = &*self.0;
        if !path.is_empty() {
            f.write_str("field ")?;
            for name in path.iter().rev() {
                write!(f, "/{name}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(message)
    }
}

impl std::error::Error for Fault {}
