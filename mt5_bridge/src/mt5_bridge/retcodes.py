"""What a trade server's answer means for an order: `order_send`'s retcodes, and `last_error` when it gave none."""

from enum import StrEnum


class Verdict(StrEnum):
    """How to go on. UNKNOWN_RECONCILE is the only one after which nobody may say what happened."""

    SUCCESS = "success"
    SUCCESS_PENDING = "success_pending"  # accepted only: wait for the fill
    PARTIAL = "partial"
    RETRY_REPRICE = "retry_reprice"
    RETRY_BACKOFF = "retry_backoff"
    REREAD_THEN_DECIDE = "reread_then_decide"
    UNKNOWN_RECONCILE = "unknown_reconcile"
    DEFER_TO_SESSION = "defer_to_session"
    FIX_THEN_RETRY_ONCE = "fix_then_retry_once"
    NOOP_SUCCESS = "noop_success"
    NOOP_IF_CLOSING = "noop_if_closing"
    FINAL_REJECT = "final_reject"
    FINAL_BAD_REQUEST = "final_bad_request"
    NOT_SENT = "not_sent"  # refused before it left this machine
    NOT_CONNECTED = "not_connected"  # the terminal could not be asked at all


_RETCODES = {
    10004: Verdict.RETRY_REPRICE,
    10006: Verdict.FINAL_REJECT,
    10007: Verdict.FINAL_REJECT,
    10008: Verdict.SUCCESS_PENDING,
    10009: Verdict.SUCCESS,
    10010: Verdict.PARTIAL,
    10011: Verdict.UNKNOWN_RECONCILE,
    10012: Verdict.UNKNOWN_RECONCILE,
    10013: Verdict.FINAL_REJECT,
    10014: Verdict.FINAL_BAD_REQUEST,
    10015: Verdict.FINAL_BAD_REQUEST,
    10016: Verdict.FINAL_BAD_REQUEST,
    10017: Verdict.FINAL_REJECT,
    10018: Verdict.DEFER_TO_SESSION,
    10019: Verdict.FINAL_REJECT,
    10020: Verdict.RETRY_REPRICE,
    10021: Verdict.RETRY_REPRICE,
    10022: Verdict.FINAL_BAD_REQUEST,
    10023: Verdict.REREAD_THEN_DECIDE,
    10024: Verdict.RETRY_BACKOFF,
    10025: Verdict.NOOP_SUCCESS,
    10026: Verdict.FINAL_REJECT,
    10027: Verdict.FINAL_REJECT,
    10028: Verdict.REREAD_THEN_DECIDE,
    10029: Verdict.REREAD_THEN_DECIDE,
    10030: Verdict.FIX_THEN_RETRY_ONCE,
    10031: Verdict.UNKNOWN_RECONCILE,
    10032: Verdict.FINAL_REJECT,
    10033: Verdict.FINAL_REJECT,
    10034: Verdict.FINAL_REJECT,
    10035: Verdict.FINAL_REJECT,
    10036: Verdict.NOOP_IF_CLOSING,
    10038: Verdict.FINAL_BAD_REQUEST,
    10039: Verdict.NOOP_IF_CLOSING,
    10040: Verdict.FINAL_REJECT,
    10041: Verdict.FINAL_REJECT,
    10042: Verdict.FINAL_REJECT,
    10043: Verdict.FINAL_REJECT,
    10044: Verdict.FINAL_REJECT,
    10045: Verdict.FINAL_REJECT,
    10046: Verdict.FINAL_REJECT,
}

_LAST_ERRORS = {
    -2: Verdict.NOT_SENT,  # invalid parameters
    -8: Verdict.NOT_SENT,  # automated trading is switched off in the terminal
    -10003: Verdict.NOT_CONNECTED,
    -10004: Verdict.NOT_CONNECTED,
}

NOTHING_TO_DO = frozenset({Verdict.NOOP_SUCCESS, Verdict.NOOP_IF_CLOSING})


def verdict_of_retcode(retcode: int) -> Verdict:
    """A code we do not know may have done anything, so it is reconciled."""
    return _RETCODES.get(retcode, Verdict.UNKNOWN_RECONCILE)


def verdict_of_last_error(code: int) -> Verdict:
    """For an `order_send` that returned None; what is not known to have stayed here may have left."""
    return _LAST_ERRORS.get(code, Verdict.UNKNOWN_RECONCILE)


def pipe_is_suspect(code: int) -> bool:
    """The -1000x errors: the pipe between this process and the terminal cannot be trusted any more."""
    return code <= -10000
