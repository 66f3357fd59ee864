"""Every error that a caller can meet. Each class has one HTTP status and one stable `code`.

HeadlightError
├── BadRequest 400                     the request could not be read
│   ├── InvalidJson                    invalid-json
│   ├── ForbiddenHost                  forbidden-host (421)
│   ├── CrossSite                      cross-site (403)
│   ├── RequestTimeout                 request-timeout (408)
│   └── Unauthorized                   unauthorized (401)
├── NotFound 404                       not-found
│   ├── ModelUnknown                   model-unknown
│   ├── RunExpired                     run-expired
│   └── LabUnknown                     lab-unknown
├── MethodNotAllowed 405               method-not-allowed
├── NotAcceptable 406                  not-acceptable
├── NeedsStream 409                    needs-stream
├── BodyTooLarge 413                   body-too-large
├── UnsupportedMediaType 415           unsupported-media-type
├── Unprocessable 422                  invalid-request: it was read, and can never be answered
│   ├── InvalidText                    text-invalid
│   ├── EmptyText                      text-empty
│   ├── TextTooLarge                   text-too-large
│   ├── TextTooShort                   text-too-short
│   ├── TooManyTokens                  too-many-tokens
│   ├── OutOfRange                     out-of-range
│   ├── StackUnknown                   stack-unknown
│   ├── ModelIdInvalid                 model-id-invalid
│   ├── ModelRefused                   model-refused
│   ├── ModelFailed                    model-failed
│   ├── PassFailed                     pass-failed
│   ├── PairUnsupported                pair-unsupported
│   ├── NotApplicable                  not-applicable
│   └── NoLanguageHead                 no-language-head
├── Cancelled 499                      cancelled: the last client waiting has gone
├── NotYet 501                         not-implemented
├── Busy 503 (Retry-After)             busy
│   └── Stopping                       stopping: the server was told to end
└── HubUnavailable 503                 hub-unavailable

`detail` says what is wrong, `hint` says the one thing to do. Neither may contain what the caller sent:
the text of an error is shown on pages and written to logs.
"""

from __future__ import annotations


class HeadlightError(Exception):
    """The root. `title` is the same for all errors of a class; `detail` is about this one."""

    status: int = 500
    code: str = "internal"
    title: str = "Something went wrong"

    def __init__(self, detail: str, hint: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.retry_after = retry_after


class BadRequest(HeadlightError):
    status, code, title = 400, "bad-request", "The request could not be read"


class InvalidJson(BadRequest):
    code, title = "invalid-json", "The body is not valid JSON"


class ForbiddenHost(BadRequest):
    status, code, title = 421, "forbidden-host", "This host name is not answered here"


class CrossSite(BadRequest):
    status, code, title = 403, "cross-site", "Requests from other sites are refused"


class RequestTimeout(BadRequest):
    status, code, title = 408, "request-timeout", "The request took too long to arrive"


class Unauthorized(BadRequest):
    status, code, title = 401, "unauthorized", "A token is needed"


class NotFound(HeadlightError):
    status, code, title = 404, "not-found", "There is nothing here"


class ModelUnknown(NotFound):
    code, title = "model-unknown", "No such model"


class RunExpired(NotFound):
    code, title = "run-expired", "This run is no longer stored"


class LabUnknown(NotFound):
    code, title = "lab-unknown", "No such lab"


class MethodNotAllowed(HeadlightError):
    status, code, title = 405, "method-not-allowed", "This address does not take that method"


class NotAcceptable(HeadlightError):
    status, code, title = 406, "not-acceptable", "The answer cannot be given in that format"


class NeedsStream(HeadlightError):
    status, code, title = 409, "needs-stream", "This takes longer than one look"


class BodyTooLarge(HeadlightError):
    status, code, title = 413, "body-too-large", "The body is too large"


class UnsupportedMediaType(HeadlightError):
    status, code, title = 415, "unsupported-media-type", "Only application/json bodies are accepted"


class Unprocessable(HeadlightError):
    status, code, title = 422, "invalid-request", "The request cannot be answered as it is"


class InvalidText(Unprocessable):
    code, title = "text-invalid", "The text is not valid Unicode"


class EmptyText(Unprocessable):
    code, title = "text-empty", "There is no text"


class TextTooLarge(Unprocessable):
    code, title = "text-too-large", "The text is too long"


class TextTooShort(Unprocessable):
    code, title = "text-too-short", "The text is too short for this"


class TooManyTokens(Unprocessable):
    code, title = "too-many-tokens", "The text is too long"


class OutOfRange(Unprocessable):
    code, title = "out-of-range", "A number is out of range"


class StackUnknown(Unprocessable):
    code, title = "stack-unknown", "This model has no such kind of attention"


class ModelIdInvalid(Unprocessable):
    code, title = "model-id-invalid", "This is not a model id"


class ModelRefused(Unprocessable):
    code, title = "model-refused", "This model is not loaded here"


class ModelFailed(Unprocessable):
    code, title = "model-failed", "The model could not be loaded"


class PassFailed(Unprocessable):
    code, title = "pass-failed", "The model could not read this text"


class PairUnsupported(Unprocessable):
    code, title = "pair-unsupported", "This model does not take that second text"


class NotApplicable(Unprocessable):
    code, title = "not-applicable", "The question does not apply here"


class NoLanguageHead(Unprocessable):
    code, title = "no-language-head", "This model predicts no words"


class Cancelled(HeadlightError):
    status, code, title = 499, "cancelled", "Nobody was waiting for the answer any more"


class NotYet(HeadlightError):
    status, code, title = 501, "not-implemented", "This version cannot do that"


class Busy(HeadlightError):
    status, code, title = 503, "busy", "The server is busy"


class Stopping(Busy):
    code, title = "stopping", "The server is stopping"


class HubUnavailable(HeadlightError):
    status, code, title = 503, "hub-unavailable", "The model hub cannot be reached"


def nobody_waits() -> Cancelled:
    """What is raised where work stops because whoever asked for it has gone."""
    return Cancelled("Nobody waits for the answer any more.", "Ask again.")
