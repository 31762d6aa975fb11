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
from records.keeping.enums import Kind
from records.keeping.forms import KeepingForm
from records.keeping.models import ONLY, KeepingRound, KeepingRules
from records.keeping.outlook import MAX_COUNTED, Going, goes_further, look_ahead
from records.keeping.rounds import follow_new_rules
from records.keeping.rules import get_rules, rule_for

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
    if goes_further(wanted, present, going) and request.POST.get("confirmed") != _limits_of(wanted):
        return _page(request, form, going, asks=_limits_of(wanted))
    _save(wanted, request.user.get_username())
    messages.success(request, _("Rules saved. They are followed from now on, a little at a time."))
    return redirect("records:keeping")


def _limits_of(rules: KeepingRules) -> str:
    """Write down the limits that are confirmed: what is typed after the page asked is asked for again."""
    return " ".join(f"{rule.days}/{rule.most}" for rule in (rule_for(kind, rules) for kind in Kind))


def _save(rules: KeepingRules, by: str) -> None:
    rules.pk, rules.changed_by, rules.changed_at = ONLY, by[:150], database_now()
    with transaction.atomic():
        rules.save()
        follow_new_rules()
    logger.info("rules of keeping changed", extra={"by": by, "rules": str(rules)})


def _page(request: HttpRequest, form: KeepingForm, going: list[Going], *, asks: str = "") -> HttpResponse:
    context = {
        "form": form,
        "going": {one.kind.value: one for one in going},
        "goes": any(one.is_anything for one in going),
        "may_be_more": any(one.may_be_more for one in going),
        "asks": asks,
        "max_counted": MAX_COUNTED,
        "round": KeepingRound.objects.filter(pk=ONLY).first(),
        "rules": get_rules(),
    }
    return render(request, "records/keeping.html", context)
