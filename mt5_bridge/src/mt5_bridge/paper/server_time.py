"""The broker's clock: server time is the wall clock of the server's zone, counted as if it were UTC."""

from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_msc(moment: datetime) -> int:
    """An aware datetime as milliseconds since the epoch, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def to_datetime(msc: int) -> datetime:
    return _EPOCH + msc * _MILLISECOND


def utc_to_server(utc_msc: int, zone: tzinfo) -> int:
    if zone is UTC:
        return utc_msc
    return to_msc(to_datetime(utc_msc).astimezone(zone).replace(tzinfo=UTC))


def server_to_utc(server_msc: int, zone: tzinfo) -> int:
    """The moment the server's clock shows `server_msc`: the first of two where clocks go back."""
    if zone is UTC:
        return server_msc
    return to_msc(to_datetime(server_msc).replace(tzinfo=zone))
