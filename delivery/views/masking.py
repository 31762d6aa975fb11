"""The pages of masking: its rules, trying one before it is saved, and what comes ready-made."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from delivery.masking.forms import RuleForm, Sample, tell_least
from delivery.masking.rules import find_problem
from delivery.masking.wording import tell_pattern_error
from records.clock import database_now
from records.masking.enums import Target
from records.masking.models import MaskingRule
from records.models import SendingRecord

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import Promise

logger = logging.getLogger(__name__)

PERMISSION = "records.change_maskingrule"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A rule that is added by one click."""

    target: Target
    name: str | Promise
    text: str | Promise


class ListedRule(NamedTuple):
    """A rule as the page lists it."""

    rule: MaskingRule
    problem: str
    """Why it can't be read; empty: it can be."""


SUGGESTIONS = (
    Suggestion(
        Target.CODES,
        gettext_lazy("Codes in all mail"),
        gettext_lazy("Sign-in codes and PINs: digits, or capitals with digits, near a word that says so."),
    ),
    Suggestion(
        Target.LINKS,
        gettext_lazy("Links with a token in all mail"),
        gettext_lazy("Links that reset a password or sign in: the token is masked, the rest of the link stays."),
    ),
)


@permission_required(PERMISSION, raise_exception=True)
@require_safe
@never_cache
def list_rules(request: HttpRequest) -> HttpResponse:
    """Show the rules, and what could be added at once."""
    listed = [ListedRule(rule, _tell_problem(rule)) for rule in MaskingRule.objects.all()]
    there = {rule.target for rule, _problem in listed if not rule.template}
    suggestions = [one for one in SUGGESTIONS if one.target not in there]
    return render(request, "records/masking.html", {"listed": listed, "suggestions": suggestions})


def _tell_problem(rule: MaskingRule) -> str:
    said = find_problem(rule)
    return "" if said is None else tell_pattern_error(said)


@permission_required(PERMISSION, raise_exception=True)
@sensitive_post_parameters("sample_subject", "sample_text")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def add_rule(request: HttpRequest) -> HttpResponse:
    """Show an empty rule, try what was typed, or save it."""
    return _edit(request, MaskingRule())


@permission_required(PERMISSION, raise_exception=True)
@sensitive_post_parameters("sample_subject", "sample_text")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a rule, try what was typed, or save it."""
    return _edit(request, get_object_or_404(MaskingRule, pk=pk))


def _edit(request: HttpRequest, rule: MaskingRule) -> HttpResponse:
    if request.method != "POST":
        return _page(request, RuleForm(rule=rule), problem=_tell_problem(rule) if rule.pk else "")
    form = RuleForm(request.POST, rule=rule)
    if not form.is_valid():
        return _page(request, form)
    if request.POST.get("do") == "try":
        return _page(request, form, form.try_out())
    _save(form.as_rule(), request.user.get_username())
    messages.success(request, _("Rule saved. It holds for mail that is accepted from now on."))
    return redirect("delivery:masking")


@permission_required(PERMISSION, raise_exception=True)
@require_POST
def add_suggested(request: HttpRequest) -> HttpResponse:
    """Add what comes ready-made."""
    wanted = next((one for one in SUGGESTIONS if one.target == request.POST.get("target")), None)
    if wanted is not None:
        try:
            with transaction.atomic():
                _save(MaskingRule(name=str(wanted.name), target=wanted.target), request.user.get_username())
        except IntegrityError:
            messages.warning(request, _("There is a rule of that name already."))
        else:
            messages.success(request, _("Rule saved. It holds for mail that is accepted from now on."))
    return redirect("delivery:masking")


@permission_required(PERMISSION, raise_exception=True)
@require_POST
def switch_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a rule in force, or out of it."""
    rule = get_object_or_404(MaskingRule, pk=pk)
    rule.is_enabled = request.POST.get("enabled") == "yes"
    _save(rule, request.user.get_username())
    messages.success(request, _("The rule is in force.") if rule.is_enabled else _("The rule is out of force."))
    return redirect("delivery:masking")


@permission_required(PERMISSION, raise_exception=True)
@require_POST
def delete_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a rule; what it masked stays masked."""
    MaskingRule.objects.filter(pk=pk).delete()
    logger.info("a rule of masking was deleted", extra={"rule": pk, "by": request.user.get_username()})
    messages.success(request, _("Rule deleted. What it masked stays masked."))
    return redirect("delivery:masking")


def _save(rule: MaskingRule, by: str) -> None:
    rule.changed_by, rule.changed_at = by[:150], database_now()
    rule.save()
    logger.info("a rule of masking was saved", extra={"rule": rule.pk, "by": by})


def _page(request: HttpRequest, form: RuleForm, sample: Sample | None = None, problem: str = "") -> HttpResponse:
    context = {
        "form": form,
        "rule": form.rule,
        "sample": sample,
        "problem": problem,
        "templates": SendingRecord.objects.list_known("template_name"),
        "least": tell_least(),
    }
    return render(request, "records/masking_rule.html", context)
