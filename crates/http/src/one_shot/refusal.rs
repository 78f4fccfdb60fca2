//! The one table from failures to codes and words.
//!
//! The words are wire constants that client code matches on, misspellings included.

use axum::http::StatusCode;
use model::Status;
use model::otp::OtpRefusal;
use service::{BLANK, Error, Problem, Problems};

use super::dialect::Refusal;
use crate::body::BodyFault;
use crate::retry_after::{NO_KEY, NO_TIME_STAMP};

/// What is left to a business whose request's codes were guessed at.
const GUESSED: &str =
    "too many wrong codes in a row; no code is accepted any more: create another request";

/// The calls of the API, as far as their words differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Hello,
    Version,
    GetSettings,
    UpdateSettings,
    CreateToken,
    GetToken,
    ListTokens,
    DeleteToken,
    CreateVideoId,
    CreateRequest,
    AsyncStatus,
    UploadEvidences,
    UploadVideo,
    DownloadVideo,
    GetRequest,
    UpdateRequest,
    CancelRequest,
    Approve,
    Validate,
    Refuse,
    UploadDocuments,
    ListDocuments,
    GetDocument,
    DeleteDocument,
    DeleteDocuments,
    GetContract,
    GenerateOtp,
    Sign,
    UploadImages,
    GetImage,
    ListImages,
    DeleteImage,
    DeleteImages,
    StoreMetadata,
    GetMetadata,
    ListMetadata,
    DeleteMetadata,
    DeleteAllMetadata,
}

/// Why a call did not do its work.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A use case refused.
    Service(Error),
    /// The body could not be read.
    Body(BodyFault),
    /// The door itself refused.
    Door(Box<Refusal>),
}

impl Fault {
    /// A refusal in the door's own words.
    pub(crate) fn said(status: StatusCode, text: impl Into<String>) -> Self {
        Refusal::new(status, text).into()
    }

    /// Whether the client is at fault whatever the code says.
    pub(crate) fn is_clients(&self) -> bool {
        matches!(self, Fault::Service(Error::BillingCredentials))
    }

    /// The code and the words that `call` has for this fault.
    pub(crate) fn refusal(self, call: Call) -> Refusal {
        match self {
            Fault::Service(error) => of_service(call, error),
            Fault::Body(fault) => of_body(call, &fault),
            Fault::Door(refusal) => *refusal,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Door(Box::new(refusal))
    }
}

impl From<BodyFault> for Fault {
    fn from(fault: BodyFault) -> Self {
        Self::Body(fault)
    }
}

fn of_body(call: Call, fault: &BodyFault) -> Refusal {
    let refusal = Refusal::new(fault.status(), fault.to_string());
    let unparsable = matches!(fault, BodyFault::Json { .. } | BodyFault::NotAnObject);
    match call {
        Call::UpdateSettings | Call::UploadEvidences | Call::Refuse if unparsable => {
            refusal.with_legacy_status("Invalid JSON")
        }
        Call::StoreMetadata if unparsable => refusal.with_legacy_status("400 Invalid JSON"),
        _ => refusal,
    }
}

fn of_service(call: Call, error: Error) -> Refusal {
    const NO_PERMISSION: &str = "You do not have permission to perform this action";
    use StatusCode as Code;
    let (status, text) = match error {
        Error::Fields(problems) if call == Call::CreateRequest => return by_field(&problems),
        Error::Fields(problems) => (Code::BAD_REQUEST, problem_text(call, &problems)),
        Error::UnknownRequest(id) => (Code::NOT_FOUND, unknown_request(call, &id)),
        Error::UnknownAuthority => (Code::NOT_FOUND, "Registration Authority not found".into()),
        Error::UnknownToken(uid) if call == Call::GetToken => {
            (Code::NOT_FOUND, format!("Token {uid} not found"))
        }
        Error::UnknownToken(_) => (Code::NOT_FOUND, "Token not found".into()),
        Error::UnknownDocument { uid, copy } if call == Call::DeleteDocument => {
            let copy = copy.map_or("any", |copy| copy.name());
            (
                Code::NOT_FOUND,
                format!("Document not found with uid {uid} and type {copy}"),
            )
        }
        Error::UnknownDocument { .. } => (Code::NOT_FOUND, "Document not found".into()),
        Error::NoDocuments(_) => (
            Code::NOT_FOUND,
            "No documents found for specified Request".into(),
        ),
        Error::LostDocuments(uids) => {
            let text = format!(
                "The following documents are not found in Request's folders: {}",
                uids.join(", ")
            );
            (Code::NOT_FOUND, text)
        }
        Error::UnknownImages(images) => {
            let texts: serde_json::Map<_, _> = images
                .into_iter()
                .map(|(document, image)| {
                    let text = format!("The image {} cannot be found on disk", shortened(&image));
                    (document.to_string(), text.into())
                })
                .collect();
            return Refusal::new(Code::NOT_FOUND, "Images cannot be found on disk")
                .with_details(texts.into());
        }
        Error::UnknownImage(uid) => {
            let on_disk = match call {
                Call::DeleteImage => " on disk",
                _ => "",
            };
            (
                Code::NOT_FOUND,
                format!("Image with uid {uid} not found{on_disk}"),
            )
        }
        Error::UnusableImage { file_name, reason } => (
            Code::UNSUPPORTED_MEDIA_TYPE,
            format!(
                "Image file type not supported: {}: {reason}",
                shortened(&file_name)
            ),
        ),
        Error::UnknownMetadata => (Code::NOT_FOUND, "Metadata not found on disk".into()),
        Error::WrongCountersigner => (
            Code::FORBIDDEN,
            "Invalid countersignature credentials".into(),
        ),
        Error::NoVideo(_) => {
            return Refusal::new(Code::NOT_FOUND, "Request not found")
                .with_reason("no video has been uploaded for this request");
        }
        Error::UnknownOfficer => {
            let full_stop = if call == Call::CreateToken { "." } else { "" };
            let text = "Error getting RAO's id. Make sure the credentials are correct";
            (Code::NOT_FOUND, format!("{text}{full_stop}"))
        }
        Error::IncompleteCredentials => (
            Code::BAD_REQUEST,
            "Missing required parameters: incomplete RAO's credentials".into(),
        ),
        Error::WrongCredentials => (Code::FORBIDDEN, wrong_credentials(call).into()),
        Error::CredentialBlocked => {
            return Refusal::new(Code::FORBIDDEN, wrong_credentials(call))
                .with_reason("blocked after too many wrong passwords or PINs");
        }
        Error::BillingCredentials => (
            Code::INTERNAL_SERVER_ERROR,
            "Billing credentials not valid. Please check if they are base64 encoded".into(),
        ),
        Error::MissingPapers => (
            Code::BAD_REQUEST,
            "Error occured during request approval: Missing required docs".into(),
        ),
        Error::VideoIdDisabled(authority) => (
            Code::BAD_REQUEST,
            format!("Videoid not enabled for Registration Authority {authority}"),
        ),
        Error::ProfileNotAvailable(profile) => {
            let text = match call {
                Call::CreateVideoId => {
                    format!(
                        "Error creating new videoid request: {{\"detail\":\"{NO_PERMISSION}.\"}}"
                    )
                }
                _ => NO_PERMISSION.to_owned(),
            };
            return Refusal::new(Code::FORBIDDEN, text).with_reason(format!(
                "profile '{}' is not available here",
                shortened(&profile)
            ));
        }
        Error::ExternalUnlockNotAllowed(method) => {
            return Refusal::new(Code::FORBIDDEN, NO_PERMISSION).with_reason(format!(
                "external authentication by '{}' is not enabled for the registration authority",
                shortened(&method)
            ));
        }
        Error::WrongStatus(status) => return wrong_status(call, status),
        Error::EvidenceClosed(pk) => {
            let what = if call == Call::UploadVideo {
                "video"
            } else {
                "evidences data"
            };
            let text =
                format!("Cannot upload {what} for Request {pk}: Invalid VideoId status 'COMPLETE'");
            (Code::PRECONDITION_FAILED, text)
        }
        Error::IncompleteSubject { fields, .. } if call == Call::CreateRequest => (
            Code::PRECONDITION_FAILED,
            format!(
                "Error occured during request approval: Invalid request fields: {}",
                fields.join("; ")
            ),
        ),
        Error::IncompleteSubject { request, fields } => (
            Code::PRECONDITION_FAILED,
            format!(
                "Cannot approve Request {request}: Invalid request fields: {}",
                fields.join("; ")
            ),
        ),
        Error::UnusableImages(problems) => (
            Code::BAD_REQUEST,
            format!("Unusable images: {}", listed(&problems)),
        ),
        Error::UnusableVideo(refusal) => (
            Code::UNSUPPORTED_MEDIA_TYPE,
            format!("Unsupported file type: {refusal}"),
        ),
        Error::TooLarge { limit } => {
            return of_body(call, &BodyFault::TooLarge { limit });
        }
        Error::NotSignable { file_name, reason } => (
            Code::UNSUPPORTED_MEDIA_TYPE,
            format!("Unsupported file type: {}: {reason}", shortened(&file_name)),
        ),
        Error::TooManyDocuments { request, limit } => {
            let text = format!("Maximum number of document reached for Request {request}");
            return Refusal::new(Code::BAD_REQUEST, text)
                .with_reason(format!("a request may hold {limit} documents"));
        }
        Error::WrongScratchcard(pk) => (
            Code::BAD_REQUEST,
            format!("Cannot update the Request {pk}: Invalid ScratchCard"),
        ),
        Error::CodeTooSoon { seconds } => {
            let text = "Error occured during OTP generation: Otp generated less than a minute ago";
            return Refusal::new(Code::PRECONDITION_FAILED, text)
                .with_reason(format!("wait {seconds} seconds between two codes"));
        }
        Error::CodesGuessed => {
            let text = "Error occured during OTP generation: Too many wrong codes";
            return Refusal::new(Code::PRECONDITION_FAILED, text).with_reason(GUESSED);
        }
        Error::NoDelivery(method) => (
            Code::BAD_REQUEST,
            format!(
                "Error occured during OTP generation: Delivery method '{}' is not available",
                shortened(&method)
            ),
        ),
        Error::CodeRefused(refusal) => {
            let reason = match refusal {
                None => "no code was generated for this request".into(),
                Some(OtpRefusal::Guessed) => GUESSED.into(),
                Some(why) => why.to_string(),
            };
            return Refusal::new(Code::FORBIDDEN, "Confirmation Code invalid").with_reason(reason);
        }
        Error::TokenExists => (
            Code::BAD_REQUEST,
            "A token with these credentials already exist!".into(),
        ),
        Error::TokenProtected => {
            return Refusal::new(Code::FORBIDDEN, NO_PERMISSION)
                .with_reason("the sandbox's own token stays");
        }
        Error::NoKeyReady { retry_after } => {
            return Refusal::new(Code::SERVICE_UNAVAILABLE, NO_KEY).with_retry_after(retry_after);
        }
        Error::NoTimeStamp {
            reason,
            retry_after,
        } => {
            return Refusal::new(Code::INTERNAL_SERVER_ERROR, NO_TIME_STAMP)
                .with_reason(reason)
                .with_retry_after(retry_after);
        }
        Error::StorageFull => (
            Code::INSUFFICIENT_STORAGE,
            "The server's storage is full. Nothing was stored".into(),
        ),
        // The log has it. `Error` may grow; a door that does not know a variant yet must not
        // print it.
        _ => (Code::INTERNAL_SERVER_ERROR, "Internal server error".into()),
    };
    Refusal::new(status, text)
}

fn unknown_request(call: Call, id: &str) -> String {
    match call {
        Call::GetRequest => {
            "Request not found. Make sure the upload directory is correct.".to_owned()
        }
        Call::AsyncStatus => {
            format!("Request {id} not found. Make sure the upload directory is correct")
        }
        Call::GenerateOtp => format!("Request {id} not found. Cannot send OTP secret"),
        Call::Sign => format!("Request {id} not found. Cannot sign documents"),
        Call::UploadDocuments => {
            format!("Cannot upload document: Request {id} not found on disk")
        }
        Call::CancelRequest
        | Call::GetContract
        | Call::ListDocuments
        | Call::GetDocument
        | Call::DeleteDocument
        | Call::DeleteDocuments => format!("Request {id} not found"),
        _ => "Request not found".to_owned(),
    }
}

/// One of the vendor's two spellings.
fn wrong_credentials(call: Call) -> &'static str {
    match call {
        Call::CreateRequest => "Invalid RAO Credentials",
        _ => "Invalid RAO credentials",
    }
}

fn wrong_status(call: Call, status: Status) -> Refusal {
    let text = match (call, status) {
        (Call::GenerateOtp, _) => "Error occured during OTP generation: Invalid request status",
        (Call::Sign, Status::Issued) => "Request already in ISSUED status",
        _ => "Invalid request status",
    };
    Refusal::new(StatusCode::PRECONDITION_FAILED, text)
        .with_reason(format!("the request is in status {status}"))
}

/// A creation's problems: in the words that it has for the first of some, or else as texts by field.
fn by_field(problems: &Problems) -> Refusal {
    if let Some(words) = problems
        .0
        .iter()
        .find_map(|(field, it)| creation_words(field, it))
    {
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, words);
        return match problems.0.len() {
            1 => refusal,
            _ => refusal.with_reason(listed(problems)),
        };
    }
    let mut texts = serde_json::Map::new();
    for (field, problem) in &problems.0 {
        let text = match problem {
            Problem::Missing => "This field is required",
            Problem::Invalid(text) => text,
        };
        texts.insert(field.clone(), vec![text].into());
    }
    let words = problem_text(Call::CreateRequest, problems);
    Refusal::new(StatusCode::BAD_REQUEST, words).with_details(texts.into())
}

fn creation_words<'a>(field: &str, problem: &'a Problem) -> Option<&'a str> {
    match (field, problem) {
        ("mobile_phone_number", Problem::Missing) => {
            Some("Missing parameter: mobile_phone_number required")
        }
        ("env", Problem::Missing) => {
            Some("Missing env parameter. Please set it in settings or specify it as parameter")
        }
        ("mobile_phone_number" | "email" | "env" | "id_document_type", Problem::Invalid(text))
            if text != BLANK =>
        {
            Some(text)
        }
        _ => None,
    }
}

/// All problems in one text. What is missing is named first, as the documented words have it.
fn problem_text(call: Call, problems: &Problems) -> String {
    let missing = problems.missing_names();
    let wrong: Vec<_> = problems
        .0
        .iter()
        .filter_map(|(field, problem)| wrong_text(field, problem))
        .collect();
    let missing = match (call, missing.as_slice()) {
        (_, []) if call == Call::UploadEvidences => {
            return format!("Missing required parameters: {}", wrong.join("; "));
        }
        (_, []) => return wrong.join("; "),
        (Call::CreateToken | Call::Sign, [one]) => format!("Missing required parameter: '{one}'"),
        (_, names) => format!("Missing required parameters: {}", names.join(", ")),
    };
    std::iter::once(missing)
        .chain(wrong)
        .collect::<Vec<_>>()
        .join("; ")
}

/// A wrong field's text. Whole sentences are wire constants that name their field themselves.
fn wrong_text(field: &str, problem: &Problem) -> Option<String> {
    match problem {
        Problem::Missing => None,
        Problem::Invalid(text) if text.starts_with(char::is_uppercase) => Some(text.clone()),
        Problem::Invalid(text) => Some(format!("{field}: {text}")),
    }
}

fn listed(problems: &Problems) -> String {
    let one = |(field, problem): &(String, Problem)| match problem {
        Problem::Missing => format!("{field}: missing"),
        Problem::Invalid(text) => format!("{field}: {text}"),
    };
    problems.0.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// At most 60 characters of something the client sent.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::RequestPk;

    fn text(call: Call, error: Error) -> (u16, String) {
        let refusal = Fault::from(error).refusal(call);
        (refusal.status.as_u16(), refusal.text)
    }

    fn problems(list: &[(&str, Option<&str>)]) -> Error {
        let problem = |(field, text): &(&str, Option<&str>)| {
            let problem = text.map_or(Problem::Missing, |text| Problem::Invalid(text.into()));
            ((*field).to_owned(), problem)
        };
        Error::Fields(Problems(list.iter().map(problem).collect()))
    }

    #[test]
    fn one_failure_has_the_words_of_each_endpoint() {
        let unknown = || Error::UnknownRequest("7".into());
        let cases = [
            (
                Call::GenerateOtp,
                "Request 7 not found. Cannot send OTP secret",
            ),
            (Call::Sign, "Request 7 not found. Cannot sign documents"),
            (Call::UploadEvidences, "Request not found"),
            (
                Call::UploadDocuments,
                "Cannot upload document: Request 7 not found on disk",
            ),
            (
                Call::GetRequest,
                "Request not found. Make sure the upload directory is correct.",
            ),
            (Call::GetContract, "Request 7 not found"),
        ];
        for (call, words) in cases {
            assert_eq!(text(call, unknown()), (404, words.to_owned()));
        }
        let issued = || Error::WrongStatus(Status::Issued);
        assert_eq!(
            text(Call::Sign, issued()).1,
            "Request already in ISSUED status"
        );
        assert_eq!(text(Call::Approve, issued()).1, "Invalid request status");
        assert_eq!(
            text(Call::Sign, Error::WrongStatus(Status::VideoReview)),
            (412, "Invalid request status".into())
        );
        assert_eq!(
            text(Call::UploadEvidences, Error::EvidenceClosed(RequestPk(7))).1,
            "Cannot upload evidences data for Request 7: Invalid VideoId status 'COMPLETE'"
        );
    }

    #[test]
    fn all_problems_are_in_the_text() {
        assert_eq!(
            text(
                Call::CreateVideoId,
                problems(&[("email", None), ("mobile_phone_number", None)])
            )
            .1,
            "Missing required parameters: email, mobile_phone_number"
        );
        assert_eq!(
            text(Call::Sign, problems(&[("secret", None)])).1,
            "Missing required parameter: 'secret'"
        );
        let mixed = problems(&[
            ("email", Some("Enter a valid email address")),
            ("profile", None),
            ("registration_authority", Some("must be a number")),
        ]);
        assert_eq!(
            text(Call::CreateVideoId, mixed).1,
            "Missing required parameters: profile; Enter a valid email address; \
             registration_authority: must be a number"
        );
        let wrong = problems(&[("acceptance", Some("must be an object"))]);
        assert_eq!(
            text(Call::UploadEvidences, wrong),
            (
                400,
                "Missing required parameters: acceptance: must be an object".into()
            )
        );
    }

    #[test]
    fn a_creation_speaks_of_some_fields_in_words_and_of_others_by_name() {
        use super::super::Dialect;
        let told = |list| {
            let refusal = Fault::from(problems(list)).refusal(Call::CreateRequest);
            assert_eq!(refusal.status.as_u16(), 400);
            refusal.body(Dialect::New)
        };
        let phone = told(&[("mobile_phone_number", None)]);
        assert_eq!(
            phone["details"],
            "Missing parameter: mobile_phone_number required"
        );
        assert_eq!(phone.get("reason"), None);
        let env = told(&[("env", None), ("profile", None)]);
        assert_eq!(
            env["details"],
            "Missing env parameter. Please set it in settings or specify it as parameter"
        );
        assert_eq!(env["reason"], "env: missing; profile: missing");
        let fields = told(&[("email", Some(BLANK)), ("given_name", None)]);
        assert_eq!(
            fields["details"],
            serde_json::json!({
                "email": ["This field may not be blank"],
                "given_name": ["This field is required"],
            })
        );
        assert_eq!(
            fields["message"],
            "Missing required parameters: given_name; This field may not be blank"
        );
    }

    #[test]
    fn a_creation_has_its_own_spelling_of_wrong_credentials() {
        for error in [Error::WrongCredentials, Error::CredentialBlocked] {
            assert_eq!(
                text(Call::CreateRequest, error),
                (403, "Invalid RAO Credentials".into())
            );
        }
        assert_eq!(
            text(Call::Approve, Error::CredentialBlocked),
            (403, "Invalid RAO credentials".into())
        );
    }

    #[test]
    fn insides_stay_inside() {
        let refusal =
            Fault::from(Error::Internal("table otps is locked".into())).refusal(Call::Sign);
        assert_eq!(
            (refusal.status.as_u16(), refusal.text.as_str()),
            (500, "Internal server error")
        );
    }

    #[test]
    fn the_new_dialect_says_why_a_code_was_refused() {
        use super::super::Dialect;
        let body = |why| {
            Fault::from(Error::CodeRefused(why))
                .refusal(Call::Sign)
                .body(Dialect::New)
        };
        assert_eq!(
            body(Some(OtpRefusal::Expired))["reason"],
            "the code has expired"
        );
        assert_eq!(body(Some(OtpRefusal::Wrong))["reason"], "wrong code");
        assert_eq!(body(None)["message"], "Confirmation Code invalid");
    }

    #[test]
    fn invalid_json_is_marked_where_the_legacy_dialect_documents_it() {
        use super::super::Dialect;
        let status = |call| {
            let fault = Fault::from(BodyFault::NotAnObject);
            fault.refusal(call).body(Dialect::Legacy)["status"].clone()
        };
        assert_eq!(status(Call::Refuse), "Invalid JSON");
        assert_eq!(status(Call::CreateToken), "400 Bad Request");
    }
}
