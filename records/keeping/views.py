"""The page of the rules of keeping: what they are, what they lead to, and changing them."""

import logging

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from records.clock import database_now
from records.keeping.forms import KeepingForm
from records.keeping.models import ONLY, KeepingRound, KeepingRules
from records.keeping.outlook import MAX_COUNTED, Going, look_ahead
from records.keeping.rounds import follow_new_rules
from records.keeping.rules import get_rules

logger = logging.getLogger(__name__)


@permission_required("records.change_keepingrules", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit_rules(request: HttpRequest) -> HttpResponse:
    """Show the rules, or change them; what removes anything for good is asked for once more."""
    present = get_rules()
    if request.method != "POST":
        return _page(request, KeepingForm.showing(present), look_ahead(present))
    form = KeepingForm(request.POST)
    if not form.is_valid():
        return _page(request, form, look_ahead(present))
    wanted = form.as_rules()
    going = look_ahead(wanted)
    if _goes_further(going, look_ahead(present)) and "confirmed" not in request.POST:
        return _page(request, form, going, asks=True)
    _save(wanted, request.user.get_username())
    messages.success(request, _("Rules saved. They are followed from now on, a little at a time."))
    return redirect("records:keeping")


def _goes_further(wanted: list[Going], present: list[Going]) -> bool:
    """Tell whether the wanted rules remove anything that the present ones would not."""
    return any(new.by_age > old.by_age or new.by_size > old.by_size for new, old in zip(wanted, present, strict=True))


def _save(rules: KeepingRules, by: str) -> None:
    rules.pk, rules.changed_by, rules.changed_at = ONLY, by[:150], database_now()
    with transaction.atomic():
        rules.save()
        follow_new_rules()
    logger.info("rules of keeping changed", extra={"by": by, "rules": str(rules)})


def _page(request: HttpRequest, form: KeepingForm, going: list[Going], *, asks: bool = False) -> HttpResponse:
    context = {
        "form": form,
        "going": {one.kind.value: one for one in going},
        "goes": any(one.is_anything for one in going),
        "asks": asks,
        "max_counted": MAX_COUNTED,
        "round": KeepingRound.objects.filter(pk=ONLY).first(),
        "rules": get_rules(),
    }
    return render(request, "records/keeping.html", context)
