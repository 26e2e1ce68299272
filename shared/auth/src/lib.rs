//! Credentials: the only reader and writer of secrets, and the only client of Microsoft Entra ID.
//!
//! A [`Secret`] is in Secrets Manager and in memory, nowhere else: it has no `Serialize`, and its `Debug` shows nothing.
//! There is one for each connection. [`Tokens`] turns it into what signs a request, and renews access tokens: one worker
//! for all, stored before they are used, with a pause after a failure. Start reading there.

mod assertion;
mod entra;
mod error;
pub mod explain;
mod secret;
mod secrets;
mod tokens;

pub use assertion::{Certificate, InvalidCertificate};
pub use entra::{Access, Authority, Entra, Grant, Issued, SignInRequest};
pub use error::Error;
pub use secret::{Pats, Principal, Proof, Secret, SignIn};
pub use secrets::Secrets;
pub use tokens::{Owner, Tokens, credential};
