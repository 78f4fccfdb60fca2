//! The one table from failures to status codes, `code` and words.
//!
//! They are wire constants that client code branches on: misspellings, mistakes of clients that
//! come under 500, and codes that are not the status code included.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::otp::OtpRefusal;
use serde_json::{Map, Value};
use service::registration::RenewalRefusal;
use service::{Error, Problem, Problems};

use super::peer::Unreadable;
use crate::body::BodyFault;
use crate::layers::access_log::ClientsMistake;
use crate::layers::in_flight::OVERLOAD;
use crate::retry_after::{self, NO_KEY, NO_TIME_STAMP};
use crate::video::FormFault;

/// The calls of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    CreateRequest,
    ListRequests,
    GetRequest,
    UpdateRequest,
    CancelRequest,
    ListMissingFields,
    GetDeclaration,
    GenerateDocument,
    UploadDocument,
    DeleteDocument,
    GetDocument,
    GetDocuments,
    Approve,
    PreauthLink,
    IsRenewable,
    EnableRenewal,
    DisableRenewal,
    RenewalStatus,
    CheckContactData,
    SendUnlockCode,
    UnlockPin,
    ListScratchcards,
    GetScratchcard,
    FirstUnusedScratchcard,
    ScratchcardIsUsed,
    RevokeCertificates,
    WhoAmI,
    MoveScratchcards,
    CreateScratchcard,
    UpdateScratchcard,
    CreateAuthority,
    ListAuthorities,
    GetAuthority,
    UpdateAuthority,
    CreateOfficer,
    ListOfficers,
    GetOfficer,
    UpdateOfficer,
    CreateUser,
    ListUsers,
    GetUser,
    UpdateUser,
    UploadVideoIdEvidence,
    ValidateVideoId,
    RefuseVideoId,
    UploadEvidence,
    UploadVideo,
    DownloadVideo,
    GenerateOtp,
    GenerateOtpForQualified,
    CloudEnroll,
    Pkcs12Enroll,
    QualifiedCloudEnroll,
    CloudRenew,
    SoftRenew,
}

impl Call {
    /// Calls that answer missing permission, and what cannot be stored, with 500.
    fn stores(self) -> bool {
        matches!(
            self,
            Call::CreateRequest
                | Call::UpdateRequest
                | Call::CreateScratchcard
                | Call::UpdateScratchcard
                | Call::CreateAuthority
                | Call::UpdateAuthority
                | Call::GetAuthority
                | Call::CreateOfficer
                | Call::UpdateOfficer
                | Call::CreateUser
                | Call::UpdateUser
        )
    }

    /// Calls that carry an officer's credentials.
    fn decides(self) -> bool {
        matches!(
            self,
            Call::Approve | Call::ValidateVideoId | Call::RefuseVideoId
        )
    }

    /// Calls in which the holder stands for a scratchcard by one of its secrets.
    fn asks_a_secret(self) -> bool {
        matches!(
            self,
            Call::WhoAmI | Call::IsRenewable | Call::CloudRenew | Call::SoftRenew
        )
    }
}

const NO_PERMISSION: &str = "You do not have permission to perform this action.";
const INVALID_PARAMETERS: &str = "Invalid paramiters";
const INVALID_STATUS: &str = "Invalid request status";
const INVALID_SCRATCHCARD: &str = "Invalid ScratchCard";
const INVALID_REQUEST: &str = "Invalid Request";
const NO_REQUEST: &str = "No Request matches the given query.";
const NO_SCRATCHCARD: &str = "No ScratchCard matches the given query.";
const NO_VIDEO: &str = "No video file provided";

/// Why a call did not do its work.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A use case refused.
    Service(Error),
    /// The body could not be read.
    Body(BodyFault),
    /// The form brings no video.
    Video(FormFault),
    /// A proxy forwarded what is no certificate.
    Certificate(Unreadable),
    /// The number in the path is none.
    MalformedNumber,
    /// `Range` asks for bytes beyond the end.
    Unsatisfiable,
    /// Too many requests at the same time.
    Overload,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl From<BodyFault> for Fault {
    fn from(fault: BodyFault) -> Self {
        Self::Body(fault)
    }
}

impl From<FormFault> for Fault {
    fn from(fault: FormFault) -> Self {
        Self::Video(fault)
    }
}

impl From<Unreadable> for Fault {
    fn from(fault: Unreadable) -> Self {
        Self::Certificate(fault)
    }
}

impl Fault {
    /// Parameters that are missing or cannot be read.
    pub(crate) fn wrong(field: &str, text: &str) -> Self {
        let mut problems = Problems::default();
        problems.invalid(field, text);
        Self::Service(Error::Fields(problems))
    }

    /// The form that `call` has for this fault.
    pub(crate) fn refusal(self, call: Call) -> Refusal {
        let refusal = match self {
            Fault::Service(error) => of_service(call, error),
            Fault::Body(fault) => of_body(call, &fault),
            Fault::Video(FormFault::NoVideo) => Refusal::new(StatusCode::BAD_REQUEST, NO_VIDEO),
            Fault::Video(FormFault::TwoVideos) => {
                Refusal::new(StatusCode::BAD_REQUEST, "More than one video file provided")
            }
            Fault::Certificate(Unreadable) => {
                Refusal::new(StatusCode::UNAUTHORIZED, Unreadable.to_string())
            }
            Fault::MalformedNumber => malformed_number(call),
            Fault::Overload => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, OVERLOAD).with_detail()
            }
            Fault::Unsatisfiable => Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "The range lies beyond the end of the video",
            ),
        };
        if call == Call::UploadVideo {
            refusal.in_form_of_upload()
        } else {
            refusal
        }
    }
}

/// What a call that was refused answers.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// In `code`, which is often not the status code.
    code: String,
    /// In `error`.
    pub(crate) error: String,
    /// What some calls are documented to answer beside, or in place of, the common members.
    documented: Map<String, Value>,
    /// What the words leave out.
    reason: Option<String>,
    /// For a client's mistake under 500: the status code that fits.
    fitting: Option<StatusCode>,
    /// When to ask again, in seconds.
    retry_after: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            code: status.as_str().to_owned(),
            error: error.into(),
            documented: Map::new(),
            reason: None,
            fitting: None,
            retry_after: None,
        }
    }

    /// A client's mistake that is documented as 500.
    fn mistake(fitting: StatusCode, error: impl Into<String>) -> Self {
        Self {
            fitting: Some(fitting),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
        }
    }

    /// 404 with the code that the API gives it.
    fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error).with_code("400")
    }

    /// 412 with a code of its own.
    fn precondition(code: &str, error: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, error).with_code(code)
    }

    fn no_permission(call: Call) -> Self {
        if call == Call::MoveScratchcards {
            return Self::new(StatusCode::FORBIDDEN, "Permission Denied")
                .with("moved", 0)
                .with("details", "Permission Denied");
        }
        if call.stores() || call.decides() {
            return Self::mistake(StatusCode::FORBIDDEN, NO_PERMISSION);
        }
        Self::new(StatusCode::FORBIDDEN, NO_PERMISSION)
    }

    fn with_code(mut self, code: &str) -> Self {
        code.clone_into(&mut self.code);
        self
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.documented.insert(name.to_owned(), value.into());
        self
    }

    /// The words in `detail` too, as the original's framework writes them. Answers with 401 and 403
    /// always have them there.
    pub(crate) fn with_detail(self) -> Self {
        let detail = self.error.clone();
        self.with("detail", detail)
    }

    fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    fn in_form_of_upload(self) -> Self {
        let description = self.error.clone();
        self.with("title", "Upload Video Error")
            .with("description", description)
    }

    /// Whether the server is at fault, and not what it asks and waits for.
    pub(crate) fn is_ours(&self) -> bool {
        self.status.is_server_error() && self.fitting.is_none() && self.retry_after.is_none()
    }

    /// The status code that fits, where the documented one does not.
    pub(crate) fn strict_status(&self) -> StatusCode {
        self.fitting.unwrap_or(self.status)
    }

    /// The body; `id` is the failure's own.
    pub(crate) fn body(&self, id: &str) -> Value {
        self.body_under(self.status, id)
    }

    fn body_under(&self, status: StatusCode, id: &str) -> Value {
        let mut body = self.documented.clone();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            body.insert("detail".into(), self.error.as_str().into());
        }
        body.insert("code".into(), self.code.as_str().into());
        body.insert("id".into(), id.into());
        body.insert("error".into(), self.error.as_str().into());
        if let Some(reason) = &self.reason {
            body.insert("reason".into(), reason.as_str().into());
        }
        Value::Object(body)
    }

    /// The answer; where `strict`, clients' mistakes come under the status code that fits.
    pub(crate) fn into_response(self, id: &str, strict: bool) -> Response {
        let status = if strict {
            self.strict_status()
        } else {
            self.status
        };
        let mut response = (status, self.body_under(status, id).to_string()).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if self.fitting.is_some() {
            response.extensions_mut().insert(ClientsMistake);
        }
        match self.retry_after {
            Some(seconds) => retry_after::hint(response, seconds),
            None => response,
        }
    }
}

fn of_body(call: Call, fault: &BodyFault) -> Refusal {
    let text = match fault {
        BodyFault::Json {
            message,
            line,
            column,
            offset,
        } => format!("JSON parse error - {message}: line {line} column {column} (char {offset})"),
        BodyFault::NotAnObject => "JSON parse error - Expecting an object".to_owned(),
        BodyFault::NotMultipart if call == Call::UploadVideo => NO_VIDEO.to_owned(),
        BodyFault::NotMultipart => {
            return Refusal::precondition("418", INVALID_PARAMETERS).with_reason(fault.to_string());
        }
        BodyFault::Nul(_)
        | BodyFault::TooLarge { .. }
        | BodyFault::Stalled
        | BodyFault::CutOff
        | BodyFault::Multipart(_) => fault.to_string(),
    };
    let unparsable = matches!(fault, BodyFault::Json { .. } | BodyFault::NotAnObject);
    match call {
        Call::UnlockPin | Call::MoveScratchcards if unparsable => {
            Refusal::mistake(StatusCode::BAD_REQUEST, text)
        }
        _ => Refusal::new(fault.status(), text).with_detail(),
    }
}

fn malformed_number(call: Call) -> Refusal {
    match call {
        Call::GetScratchcard | Call::UpdateScratchcard => {
            of_service(call, Error::UnknownScratchcard)
        }
        Call::GetAuthority | Call::UpdateAuthority => of_service(call, Error::UnknownAuthority),
        Call::GetOfficer | Call::UpdateOfficer => of_service(call, Error::UnknownOfficerNumber),
        Call::GetUser | Call::UpdateUser => of_service(call, Error::UnknownUser),
        Call::ValidateVideoId | Call::RefuseVideoId => Refusal::new(StatusCode::BAD_REQUEST, ""),
        Call::SendUnlockCode | Call::UnlockPin => {
            of_service(call, Error::UnknownRequest(String::new()))
        }
        _ => Refusal::not_found(""),
    }
}

fn of_service(call: Call, error: Error) -> Refusal {
    use StatusCode as Code;
    match error {
        Error::UnknownClient(why) => Refusal::new(Code::UNAUTHORIZED, why.to_string()),
        Error::NotPermitted => Refusal::no_permission(call),
        Error::NoSuchPage => Refusal::new(Code::NOT_FOUND, "Invalid page.").with_detail(),
        Error::Fields(problems) => of_fields(call, &problems),
        Error::Duplicate { field } => {
            let mut problems = Problems::default();
            problems.invalid(field, "This field must be unique.");
            Refusal::mistake(Code::BAD_REQUEST, printed(&problems))
        }

        Error::UnknownRequest(_) => unknown_request(call),
        Error::UnknownVideoId(_) => match call {
            Call::UploadVideo => Refusal::new(Code::BAD_REQUEST, NO_VIDEO),
            Call::DownloadVideo => Refusal::not_found(NO_REQUEST),
            _ => Refusal::not_found("No VideoID matches the given query."),
        },
        Error::NoVideo(_) => {
            Refusal::not_found(NO_REQUEST).with_reason("no video is stored for this request")
        }
        Error::UnknownAttachment(number) => Refusal::new(
            Code::NOT_FOUND,
            format!("No documents found with id {number}"),
        ),
        Error::UnknownOfficerNumber => {
            Refusal::mistake(Code::NOT_FOUND, "Rao matching query does not exist.")
        }
        Error::UnknownUser => {
            Refusal::mistake(Code::NOT_FOUND, "User matching query does not exist.")
        }
        Error::UnknownAuthority if call == Call::FirstUnusedScratchcard => {
            Refusal::not_found(NO_SCRATCHCARD)
        }
        // Whether there is such an authority is nobody's business who may not see it.
        Error::UnknownAuthority => Refusal::no_permission(call),

        Error::UnknownScratchcard if call.asks_a_secret() => wrong_parameters(call),
        Error::UnknownScratchcard => match call {
            Call::ScratchcardIsUsed | Call::RevokeCertificates => Refusal::mistake(
                Code::NOT_FOUND,
                "ScratchCard matching query does not exist.",
            ),
            _ => Refusal::not_found(NO_SCRATCHCARD),
        },
        Error::InvalidScratchcard => Refusal::mistake(Code::BAD_REQUEST, INVALID_SCRATCHCARD),
        Error::WrongSecret => wrong_parameters(call),

        Error::VideoIdDisabled(authority) => Refusal::mistake(
            Code::BAD_REQUEST,
            format!("Videoid not enabled for Registration Authority {authority}"),
        ),
        Error::ProfileNotAvailable(_) => {
            let mut problems = Problems::default();
            problems.invalid("profile", "This certificate profile is not available.");
            Refusal::mistake(Code::BAD_REQUEST, printed(&problems))
        }
        Error::ContactLimit(limit) => Refusal::precondition("412", limit.to_string()),
        Error::TooManyDocuments { request, limit } => Refusal::precondition(
            "412",
            format!("Maximum number of document reached for Request {request}"),
        )
        .with_reason(format!("a request may hold {limit} documents")),
        Error::ContentType => Refusal::mistake(Code::BAD_REQUEST, "Invalid content_type"),
        Error::TooLarge { limit } => of_body(call, &BodyFault::TooLarge { limit }),
        Error::UnusableImages(problems) => wrong_parameters(call).with_reason(format!(
            "the request is now in VIDEOERROR: {}",
            listed(&problems)
        )),
        Error::UnusableVideo(refusal) => Refusal::new(
            Code::BAD_REQUEST,
            format!("Unsupported file type: {refusal}"),
        ),

        Error::WrongStatus(status) => Refusal::precondition("412", INVALID_STATUS)
            .with_reason(format!("the request is in status {status}")),
        Error::EvidenceClosed(_) => Refusal::precondition("412", INVALID_STATUS),
        Error::IdentifiedFields(_) => {
            Refusal::precondition("412", INVALID_STATUS).with_reason(error.to_string())
        }
        Error::IncompleteSubject { fields, .. } => Refusal::precondition(
            "415",
            format!("Invalid request fields: {}", fields.join(", ")),
        ),
        Error::MissingPapers => Refusal::new(Code::BAD_REQUEST, "Missing required docs"),

        Error::IncompleteCredentials
            if matches!(call, Call::ValidateVideoId | Call::RefuseVideoId) =>
        {
            Refusal::mistake(Code::BAD_REQUEST, "Incomplete RAO credentials")
        }
        Error::IncompleteCredentials => {
            wrong_parameters(call).with_reason("username, password, pin and rao_id are needed")
        }
        Error::WrongCredentials if call.asks_a_secret() => wrong_parameters(call),
        Error::WrongCredentials => Refusal::new(Code::FORBIDDEN, "Invalid RAO credentials"),
        Error::CredentialBlocked if call.asks_a_secret() => {
            wrong_parameters(call).with_reason(Error::CredentialBlocked.to_string())
        }
        Error::CredentialBlocked => Refusal::new(Code::FORBIDDEN, "Invalid RAO credentials")
            .with_reason(Error::CredentialBlocked.to_string()),

        Error::NotRenewable(why) => not_renewable(why),
        Error::NotEligibleForRenewal => {
            Refusal::precondition("412", "Request not eligible for renewal")
        }

        Error::UnlockRefused => Refusal::precondition("412", INVALID_REQUEST),
        Error::PinNotLocked => Refusal::mistake(Code::BAD_REQUEST, "Pin is not locked"),
        Error::WeakSecret if call == Call::UnlockPin => {
            Refusal::precondition("412", INVALID_REQUEST).with_reason(Error::WeakSecret.to_string())
        }
        Error::WeakSecret => wrong_parameters(call).with_reason(Error::WeakSecret.to_string()),
        Error::WrongElement => wrong_parameters(call).with_reason(Error::WrongElement.to_string()),
        Error::CodeTooSoon { seconds } => {
            Refusal::precondition("412", "Otp generated less than a minute ago")
                .with_reason(format!("wait {seconds} seconds between two codes"))
        }
        Error::CodesGuessed => {
            Refusal::precondition("412", "Too many wrong codes").with_reason(guessed(call))
        }
        Error::NoDelivery(_) => Refusal::precondition("412", "Otp cannot be delivered"),
        Error::CodeRefused(refusal) => {
            let text = "Confirmation Code invalid";
            let reason = match refusal {
                None => "no code was generated for this request".into(),
                Some(OtpRefusal::Guessed) => guessed(call).into(),
                Some(why) => why.to_string(),
            };
            Refusal::new(Code::FORBIDDEN, text)
                .with("status", text)
                .with_reason(reason)
        }

        Error::NoKeyReady { retry_after } => Refusal {
            retry_after: Some(retry_after),
            ..Refusal::new(Code::SERVICE_UNAVAILABLE, NO_KEY)
        },
        Error::NoTimeStamp { retry_after, .. } => Refusal {
            retry_after: Some(retry_after),
            ..Refusal::new(Code::INTERNAL_SERVER_ERROR, NO_TIME_STAMP)
        },
        Error::StorageFull => Refusal::new(
            Code::INSUFFICIENT_STORAGE,
            "The server's storage is full. Nothing was stored",
        ),
        // The log has it. `Error` may grow; a door that does not know a variant yet must not
        // print it.
        _ => Refusal::new(Code::INTERNAL_SERVER_ERROR, "Internal server error"),
    }
}

fn unknown_request(call: Call) -> Refusal {
    match call {
        Call::ValidateVideoId | Call::RefuseVideoId => {
            Refusal::new(StatusCode::BAD_REQUEST, NO_REQUEST)
        }
        Call::UnlockPin => Refusal::precondition("412", INVALID_REQUEST),
        Call::SendUnlockCode | Call::CreateUser | Call::UpdateUser => Refusal::mistake(
            StatusCode::NOT_FOUND,
            "Request matching query does not exist.",
        ),
        // Documented without words.
        Call::Approve => Refusal::not_found(""),
        _ => Refusal::not_found(NO_REQUEST),
    }
}

/// What helps where codes were guessed at.
fn guessed(call: Call) -> &'static str {
    match call {
        Call::SendUnlockCode => {
            "too many wrong codes in a row; no code is accepted any more: revoke the certificate"
        }
        _ => "too many wrong codes in a row; no code is accepted until the link is renewed",
    }
}

/// Members that are missing, blank, or of the wrong kind.
fn of_fields(call: Call, problems: &Problems) -> Refusal {
    match call {
        _ if call.stores() => Refusal::mistake(StatusCode::BAD_REQUEST, printed(problems)),
        Call::ValidateVideoId | Call::RefuseVideoId | Call::DeleteDocument => {
            Refusal::mistake(StatusCode::BAD_REQUEST, printed(problems))
        }
        Call::UnlockPin => {
            Refusal::precondition("412", INVALID_REQUEST).with_reason(listed(problems))
        }
        _ => wrong_parameters(call).with_reason(listed(problems)),
    }
}

fn wrong_parameters(call: Call) -> Refusal {
    let text = match call {
        // The one call that spells it right.
        Call::WhoAmI => "Invalid parameters",
        _ => INVALID_PARAMETERS,
    };
    Refusal::precondition("418", text)
}

fn not_renewable(why: RenewalRefusal) -> Refusal {
    let (code, text) = match why {
        RenewalRefusal::Revoked => ("419", "Certificate revoked"),
        RenewalRefusal::Expired => ("420", "Certificate expired"),
        RenewalRefusal::DisabledByOfficer => {
            ("421", "Renewal disabled by Registration Authority Officer")
        }
        RenewalRefusal::DisabledByAuthority => ("422", "Renewal not available"),
        RenewalRefusal::NotAvailable => ("423", "Renewal not available"),
        RenewalRefusal::TooMany => ("424", "Maximum number of renewals exceeded"),
        RenewalRefusal::TooOld => ("425", "Maximum request age exceeded"),
        RenewalRefusal::NotEnabled => ("426", "Request not enabled for renewal by RAO"),
        RenewalRefusal::Suspended => ("427", "Certificate suspended"),
    };
    Refusal::precondition(code, text)
}

/// A map of fields as the original's language prints it.
fn printed(problems: &Problems) -> String {
    let one = |(field, problem): &(String, Problem)| {
        let text = match problem {
            Problem::Missing => "This field is required.",
            Problem::Invalid(text) => text,
        };
        format!("'{field}': ['{}']", text.replace('\'', "\\'"))
    };
    let fields: Vec<_> = problems.0.iter().map(one).collect();
    format!("{{{}}}", fields.join(", "))
}

fn listed(problems: &Problems) -> String {
    problems.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{RaId, RequestPk, Status};
    use serde_json::json;
    use service::registration::{ClientRefusal, ContactLimit};

    fn refused(call: Call, fault: impl Into<Fault>) -> (u16, Value) {
        let refusal = fault.into().refusal(call);
        let mut body = refusal.body("0123456789abcdef");
        if let Value::Object(members) = &mut body {
            members.remove("reason");
            assert_eq!(members.remove("id"), Some(json!("0123456789abcdef")));
        }
        (refusal.status.as_u16(), body)
    }

    fn common(code: &str, error: &str) -> Value {
        json!({ "code": code, "error": error })
    }

    fn fields(list: &[(&str, Option<&str>)]) -> Error {
        let problem = |(field, text): &(&str, Option<&str>)| {
            let problem = text.map_or(Problem::Missing, |text| Problem::Invalid(text.into()));
            ((*field).to_owned(), problem)
        };
        Error::Fields(Problems(list.iter().map(problem).collect()))
    }

    fn unknown() -> Error {
        Error::UnknownRequest("7".into())
    }

    #[test]
    fn an_unknown_request_has_the_words_of_each_call() {
        for (call, status, code, error) in [
            (Call::GetRequest, 404, "400", NO_REQUEST),
            (Call::GetDocuments, 404, "400", NO_REQUEST),
            (Call::Approve, 404, "400", ""),
            (Call::ValidateVideoId, 400, "400", NO_REQUEST),
            (Call::RefuseVideoId, 400, "400", NO_REQUEST),
            (
                Call::SendUnlockCode,
                500,
                "500",
                "Request matching query does not exist.",
            ),
            (Call::UnlockPin, 412, "412", "Invalid Request"),
        ] {
            assert_eq!(
                refused(call, unknown()),
                (status, common(code, error)),
                "{call:?}"
            );
        }
        for (call, status, error) in [
            (Call::GetRequest, 404, ""),
            (Call::EnableRenewal, 404, ""),
            (Call::RefuseVideoId, 400, ""),
            (Call::GetScratchcard, 404, NO_SCRATCHCARD),
            (Call::GetOfficer, 500, "Rao matching query does not exist."),
            (Call::GetUser, 500, "User matching query does not exist."),
        ] {
            let (got, body) = refused(call, Fault::MalformedNumber);
            assert_eq!(
                (got, body["error"].as_str()),
                (status, Some(error)),
                "{call:?}"
            );
        }
    }

    #[test]
    fn refused_callers_are_told_in_the_form_of_each_call() {
        assert_eq!(
            refused(Call::CreateRequest, Error::NotPermitted),
            (500, common("500", NO_PERMISSION))
        );
        assert_eq!(
            refused(Call::Approve, Error::NotPermitted),
            (500, common("500", NO_PERMISSION))
        );
        assert_eq!(
            refused(Call::PreauthLink, Error::NotPermitted),
            (
                403,
                json!({ "detail": NO_PERMISSION, "code": "403", "error": NO_PERMISSION })
            )
        );
        assert_eq!(
            refused(Call::MoveScratchcards, Error::NotPermitted),
            (
                403,
                json!({
                    "moved": 0, "details": "Permission Denied", "detail": "Permission Denied",
                    "code": "403", "error": "Permission Denied",
                })
            )
        );
        for error in [Error::WrongCredentials, Error::CredentialBlocked] {
            let words = "Invalid RAO credentials";
            assert_eq!(
                refused(Call::Approve, error),
                (
                    403,
                    json!({ "detail": words, "code": "403", "error": words })
                )
            );
        }
        let nobody = Error::UnknownClient(ClientRefusal::Missing);
        let (status, body) = refused(Call::GetRequest, nobody);
        assert_eq!((status, &body["code"]), (401, &json!("401")));
        assert_eq!(body["detail"], body["error"]);
    }

    #[test]
    fn the_documented_table_of_errors() {
        let cases: Vec<(Call, Error, u16, &str, &str)> = vec![
            (
                Call::CancelRequest,
                Error::WrongStatus(Status::Issued),
                412,
                "412",
                "Invalid request status",
            ),
            (
                Call::Approve,
                Error::IncompleteSubject {
                    request: RequestPk(7),
                    fields: vec!["surname_1".into(), "mobile_phone_number".into()],
                },
                412,
                "415",
                "Invalid request fields: surname_1, mobile_phone_number",
            ),
            (
                Call::Approve,
                Error::MissingPapers,
                400,
                "400",
                "Missing required docs",
            ),
            (
                Call::Approve,
                Error::UnknownOfficerNumber,
                500,
                "500",
                "Rao matching query does not exist.",
            ),
            (
                Call::Approve,
                Error::IncompleteCredentials,
                412,
                "418",
                "Invalid paramiters",
            ),
            (
                Call::CreateRequest,
                Error::InvalidScratchcard,
                500,
                "500",
                "Invalid ScratchCard",
            ),
            (
                Call::CreateRequest,
                Error::VideoIdDisabled(RaId(10)),
                500,
                "500",
                "Videoid not enabled for Registration Authority 10",
            ),
            (
                Call::CreateRequest,
                fields(&[("email", None), ("rao", Some("isn't there"))]),
                500,
                "500",
                "{'email': ['This field is required.'], 'rao': ['isn\\'t there']}",
            ),
            (
                Call::CreateAuthority,
                Error::Duplicate { field: "name" },
                500,
                "500",
                "{'name': ['This field must be unique.']}",
            ),
            (
                Call::GetAuthority,
                Error::UnknownAuthority,
                500,
                "500",
                NO_PERMISSION,
            ),
            (
                Call::UploadDocument,
                fields(&[("type", None)]),
                412,
                "418",
                "Invalid paramiters",
            ),
            (
                Call::UploadDocument,
                Error::ContentType,
                500,
                "500",
                "Invalid content_type",
            ),
            (
                Call::DeleteDocument,
                Error::UnknownAttachment(401),
                404,
                "404",
                "No documents found with id 401",
            ),
            (
                Call::GetScratchcard,
                Error::UnknownScratchcard,
                404,
                "400",
                NO_SCRATCHCARD,
            ),
            (
                Call::FirstUnusedScratchcard,
                Error::UnknownScratchcard,
                404,
                "400",
                NO_SCRATCHCARD,
            ),
            (
                Call::FirstUnusedScratchcard,
                Error::UnknownAuthority,
                404,
                "400",
                NO_SCRATCHCARD,
            ),
            (
                Call::ScratchcardIsUsed,
                Error::UnknownScratchcard,
                500,
                "500",
                "ScratchCard matching query does not exist.",
            ),
            (
                Call::RevokeCertificates,
                Error::UnknownScratchcard,
                500,
                "500",
                "ScratchCard matching query does not exist.",
            ),
            (
                Call::RevokeCertificates,
                Error::WrongSecret,
                412,
                "418",
                "Invalid paramiters",
            ),
            (
                Call::WhoAmI,
                Error::UnknownScratchcard,
                412,
                "418",
                "Invalid parameters",
            ),
            (
                Call::WhoAmI,
                fields(&[("erc", None)]),
                412,
                "418",
                "Invalid parameters",
            ),
            (
                Call::IsRenewable,
                Error::UnknownScratchcard,
                412,
                "418",
                "Invalid paramiters",
            ),
            (
                Call::CloudRenew,
                Error::WrongCredentials,
                412,
                "418",
                "Invalid paramiters",
            ),
            (
                Call::EnableRenewal,
                Error::NotEligibleForRenewal,
                412,
                "412",
                "Request not eligible for renewal",
            ),
            (
                Call::UnlockPin,
                Error::UnlockRefused,
                412,
                "412",
                "Invalid Request",
            ),
            (
                Call::UnlockPin,
                fields(&[("otp", None)]),
                412,
                "412",
                "Invalid Request",
            ),
            (
                Call::UnlockPin,
                Error::WeakSecret,
                412,
                "412",
                "Invalid Request",
            ),
            (
                Call::UnlockPin,
                Error::PinNotLocked,
                500,
                "500",
                "Pin is not locked",
            ),
            (
                Call::UploadEvidence,
                Error::UnknownVideoId("x".into()),
                404,
                "400",
                "No VideoID matches the given query.",
            ),
            (
                Call::UploadEvidence,
                fields(&[("data", Some("?"))]),
                412,
                "418",
                "Invalid paramiters",
            ),
            (
                Call::DownloadVideo,
                Error::NoVideo(RequestPk(7)),
                404,
                "400",
                NO_REQUEST,
            ),
            (
                Call::DownloadVideo,
                Error::UnknownVideoId("x".into()),
                404,
                "400",
                NO_REQUEST,
            ),
            (
                Call::GetUser,
                Error::UnknownUser,
                500,
                "500",
                "User matching query does not exist.",
            ),
            (
                Call::CheckContactData,
                Error::ContactLimit(ContactLimit::Phone),
                412,
                "412",
                "Too many different documents share this phone number",
            ),
        ];
        for (call, error, status, code, words) in cases {
            let name = format!("{call:?} {error:?}");
            assert_eq!(
                refused(call, error),
                (status, common(code, words)),
                "{name}"
            );
        }
        for (why, code) in [
            (RenewalRefusal::Revoked, "419"),
            (RenewalRefusal::Expired, "420"),
            (RenewalRefusal::DisabledByOfficer, "421"),
            (RenewalRefusal::DisabledByAuthority, "422"),
            (RenewalRefusal::NotAvailable, "423"),
            (RenewalRefusal::TooMany, "424"),
            (RenewalRefusal::TooOld, "425"),
            (RenewalRefusal::NotEnabled, "426"),
            (RenewalRefusal::Suspended, "427"),
        ] {
            let (status, body) = refused(Call::IsRenewable, Error::NotRenewable(why));
            assert_eq!((status, body["code"].as_str()), (412, Some(code)));
        }
    }

    #[test]
    fn odd_bodies_keep_their_documented_members() {
        assert_eq!(
            refused(Call::UploadVideo, FormFault::NoVideo),
            (
                400,
                json!({
                    "title": "Upload Video Error", "description": "No video file provided",
                    "code": "400", "error": "No video file provided",
                })
            )
        );
        let stranger = refused(Call::UploadVideo, Error::UnknownVideoId("x".into()));
        assert_eq!(stranger, refused(Call::UploadVideo, FormFault::NoVideo));
        assert_eq!(
            refused(
                Call::CloudEnroll,
                Error::CodeRefused(Some(OtpRefusal::Wrong))
            ),
            (
                403,
                json!({
                    "status": "Confirmation Code invalid",
                    "detail": "Confirmation Code invalid",
                    "code": "403", "error": "Confirmation Code invalid",
                })
            )
        );
        let (status, body) = refused(Call::ListRequests, Error::NoSuchPage);
        assert_eq!((status, &body["detail"]), (404, &json!("Invalid page.")));

        let unparsable = || BodyFault::Json {
            message: "Expecting value".into(),
            line: 1,
            column: 2,
            offset: 1,
        };
        let words = "JSON parse error - Expecting value: line 1 column 2 (char 1)";
        assert_eq!(
            refused(Call::CreateRequest, unparsable()),
            (
                400,
                json!({ "detail": words, "code": "400", "error": words })
            )
        );
        assert_eq!(
            refused(Call::UnlockPin, unparsable()),
            (500, common("500", words))
        );
    }

    #[test]
    fn clients_mistakes_are_not_ours_and_get_a_fitting_status_where_wanted() {
        let mistake = || Fault::from(Error::InvalidScratchcard).refusal(Call::CreateRequest);
        assert!(!mistake().is_ours());
        assert_eq!(mistake().into_response("0", false).status(), 500);
        assert_eq!(mistake().into_response("0", true).status(), 400);
        let ours = || Fault::from(Error::Internal("secret".into())).refusal(Call::CreateRequest);
        assert!(ours().is_ours());
        assert_eq!(ours().into_response("0", true).status(), 500);
        assert_eq!(ours().error, "Internal server error");
    }
}
