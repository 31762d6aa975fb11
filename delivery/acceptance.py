"""T0: accepting mail. The one door by which mail enters, for screens, commands, tasks and the HTTP API alike."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial, update_wrapper
from itertools import islice
from typing import ParamSpec

from django.db import IntegrityError, transaction

from delivery.engine.limits import Limits, get_limits
from delivery.exceptions import MailNotConfiguredError, RequestRefusedError
from delivery.named_account import NamedAccounts, is_storable
from delivery.refusing import Homeless, store_refusals
from delivery.request import MailRequest, aware
from delivery.request_rules import check_request
from delivery.storing import CheckedRequest, store
from delivery.wake import wake
from records.enums import Priority
from records.models import Mail

_ASKED_AT_ONCE = 500
"""So many keys are looked for by one query."""
_REFUSALS_TOLD = 100
"""After so many wrong requests of one call the others are not even looked at."""

_Key = tuple[str, str]
_Fields = ParamSpec("_Fields")


def _taking_the_fields_of(
    make: Callable[_Fields, MailRequest],
) -> Callable[[Callable[[MailRequest], Mail]], Callable[_Fields, Mail]]:
    """Let a function be called with the fields of a request, which so are declared and explained once only."""

    def decorate(accept: Callable[[MailRequest], Mail]) -> Callable[_Fields, Mail]:
        def call(*args: _Fields.args, **kwargs: _Fields.kwargs) -> Mail:
            return accept(make(*args, **kwargs))

        update_wrapper(call, accept)
        call.__signature__ = inspect.signature(make).replace(return_annotation=Mail)  # type: ignore[attr-defined]
        return call

    return decorate


@_taking_the_fields_of(MailRequest)
def accept_mail(request: MailRequest) -> Mail:
    """Accept one mail, given by the fields of a `MailRequest`; see `accept_mails`."""
    return Mail.objects.get(pk=accept_mails([request])[0])


def accept_mails(requests: Sequence[MailRequest]) -> list[int]:
    """Accept mails for sending, all or none: check, compose and store them in the caller's transaction, wake workers.

    When this returns (and the caller's transaction commits), they will be tried.

    Returns:
        The id of each request's mail, in their order. Requests with the same caller and key, now or earlier, share one.

    Raises:
        RequestRefusedError: Fields are wrong; nothing was stored.
        MailNotConfiguredError: No sender was named and there is no system default sender. The refusals were stored,
            unless the caller's transaction is rolled back; other requests of the call were not accepted either.
    """
    earlier = _find_earlier(requests)
    limits = get_limits()
    checked = _check_all(_select_new(requests, earlier), limits)
    if not checked:
        return _answer(requests, earlier, {})
    try:
        # A savepoint where the caller has a transaction: it must survive losing the race for a key.
        with transaction.atomic():
            stored = store(checked, limits)
            _wake_after_commit(checked, stored.accepted_at)
    except IntegrityError:
        if len(_find_earlier(requests)) == len(earlier):
            raise
        return accept_mails(requests)  # others stored mails with some of the keys at the same time: those are meant
    return _answer(requests, earlier, {one.index: pk for one, pk in zip(checked, stored.ids, strict=True)})


def _key(request: MailRequest) -> _Key:
    return request.requested_by, request.idempotency_key


def _find_earlier(requests: Sequence[MailRequest]) -> dict[_Key, int]:
    """Find the mails that were accepted earlier with the keys of these requests."""
    keys: dict[str, set[str]] = defaultdict(set)
    for request in requests:
        # What can't be stored isn't there: it is refused a moment later.
        if request.idempotency_key and all(map(is_storable, _key(request))):
            keys[request.requested_by].add(request.idempotency_key)
    return {(caller, key): pk for caller, wanted in keys.items() for key, pk in _query_keys(caller, iter(wanted))}


def _query_keys(caller: str, keys: Iterator[str]) -> Iterator[tuple[str, int]]:
    while portion := list(islice(keys, _ASKED_AT_ONCE)):
        asked = Mail.objects.filter(requested_by=caller, idempotency_key__in=portion)
        # The index has keyed mails only, and SQLite wants to be told that no others are asked for.
        yield from asked.exclude(idempotency_key="").values_list("idempotency_key", "pk")


def _select_new(requests: Sequence[MailRequest], earlier: Mapping[_Key, int]) -> dict[int, MailRequest]:
    """Leave out, by their places, the requests whose key came before."""
    seen = set(earlier)
    new = {}
    for index, request in enumerate(requests):
        if request.idempotency_key:
            if _key(request) in seen:
                continue
            seen.add(_key(request))
        new[index] = request
    return new


def _check_all(requests: Mapping[int, MailRequest], limits: Limits) -> list[CheckedRequest]:
    """Check requests, and find the account of each.

    Raises:
        RequestRefusedError: Some are wrong.
        MailNotConfiguredError: Some have no account.
    """
    accounts = NamedAccounts()
    checked: list[CheckedRequest] = []
    homeless: list[Homeless] = []
    refused: dict[int, dict[str, list[str]]] = {}
    for index, request in requests.items():
        try:
            parties = check_request(request, limits)
            account = accounts.find(request.sender)
        except RequestRefusedError as error:
            refused[index] = error.errors
            if len(refused) == _REFUSALS_TOLD:
                break
            continue
        if account is None:
            homeless.append(Homeless(request, parties))
        else:
            checked.append(CheckedRequest(index, request, parties, account))
    if refused:
        first = min(refused)
        raise RequestRefusedError(refused.pop(first), index=first, others=refused)
    if homeless:
        with transaction.atomic():
            ids = store_refusals(homeless, limits)
        raise MailNotConfiguredError(*ids)
    return checked


def _wake_after_commit(requests: Sequence[CheckedRequest], now: datetime) -> None:
    """Have a worker woken for each account with mail that is due, once, however many mails there are."""
    due = [one for one in requests if one.request.not_before is None or aware(one.request.not_before) <= now]
    urgent = {one.account.pk for one in due if one.request.priority == Priority.HIGH}
    for account_id in {one.account.pk: None for one in due}:
        # After the commit: a worker must not look before the rows are there. Robust: the mail is accepted by then.
        transaction.on_commit(partial(wake, account_id, is_urgent=account_id in urgent), robust=True)


def _answer(requests: Sequence[MailRequest], earlier: Mapping[_Key, int], stored: Mapping[int, int]) -> list[int]:
    """Give each request its mail; those with a key that came before get that mail."""
    by_key = {**{_key(requests[index]): pk for index, pk in stored.items()}, **earlier}
    return [stored[index] if index in stored else by_key[_key(request)] for index, request in enumerate(requests)]
