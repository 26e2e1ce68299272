//! What Entra ID's error numbers mean to a person, and what they can do.
//!
//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>

/// What is wrong, one sentence, and what to do, one sentence.
pub fn refusal(error: &str, code: u32) -> (String, String) {
    let (reason, next_step) = match code {
        65004 => (
            "The permissions that were asked for were declined.",
            "Start again and accept them, or ask somebody who may.",
        ),
        90094 | 65001 => (
            "An administrator of the directory has to agree to the application first.",
            "Ask an administrator to grant it consent under Enterprise applications, then start again.",
        ),
        50020 | 50034 => (
            "The account that signed in is not in the directory.",
            "Sign in with a work or school account of the directory that the organization is connected to.",
        ),
        53000..=53004 | 50005 => (
            "A Conditional Access policy of the directory refuses the sign-in.",
            "Ask an administrator of the directory to allow this deployment's outgoing addresses, then sign in again.",
        ),
        50076 | 50078 | 50079 | 50158 => {
            ("The directory asks for another factor.", "Sign in again.")
        }
        50173 => (
            "The sign-in was taken back: the password was changed, or an administrator ended the sessions.",
            "Sign in again.",
        ),
        700_082 | 700_084 | 70008 => ("The sign-in was not used for too long.", "Sign in again."),
        54005 => (
            "This answer of the sign-in was used already.",
            "Start again.",
        ),
        7_000_215 => (
            "The client secret is wrong.",
            "Give the secret's value and not its id; if it was not kept, make a new one under Certificates & secrets.",
        ),
        7_000_222 => (
            "The client secret has expired.",
            "Make a new one under Certificates & secrets of the app registration, and give its value.",
        ),
        700_027 | 700_024 | 700_023 => (
            "The certificate's signature is not accepted.",
            "Upload this certificate under Certificates & secrets of the app registration, and check this deployment's clock.",
        ),
        700_016 => (
            "The directory has no application with this client id.",
            "Give the Application (client) ID of the app registration, and the id of the tenant where it was added; object ids are something else.",
        ),
        90002 | 900_023 => (
            "There is no directory with this tenant id.",
            "Give the Directory (tenant) ID, as the overview of the app registration shows it.",
        ),
        0 => {
            return (
                format!("Entra ID refuses the sign-in ({error})."),
                "Start again; if it stays so, ask an administrator of the directory.".to_owned(),
            );
        }
        _ => {
            return (
                format!("Entra ID refuses the sign-in ({error}, AADSTS{code})."),
                format!(
                    "Look the number up at https://login.microsoftonline.com/error?code={code}, and sign in again."
                ),
            );
        }
    };
    (reason.to_owned(), next_step.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_ids_are_told_apart_from_wrong_secrets() {
        assert!(refusal("unauthorized_client", 700_016).1.contains("client"));
        assert!(refusal("invalid_request", 90002).1.contains("tenant"));
        assert!(refusal("invalid_client", 7_000_215).1.contains("value"));
    }

    #[test]
    fn an_unknown_number_can_be_looked_up() {
        let (reason, next_step) = refusal("invalid_grant", 12345);
        assert!(reason.contains("AADSTS12345") && next_step.contains("code=12345"));
    }
}
