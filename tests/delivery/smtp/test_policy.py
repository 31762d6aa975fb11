"""Which addresses may be dialled, however they are written."""

from ipaddress import ip_address

import pytest
from django.test import override_settings

from delivery.smtp.policy import DialPolicy, load_dial_policy
from records.enums import Fault, Phase
from tests.delivery.smtp.dialling import failure_of_opening
from tests.scripted_smtpd import scripted_server

ANY = DialPolicy()
PUBLIC = DialPolicy(forbid_private=True)

NEVER = [
    "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "100.100.100.200", "168.63.129.16", "192.0.0.192", "::", "fe80::1", "fe80::1%eth0", "febf::1",
    "ff02::1", "fd00:ec2::254", "fd20:ce::254",
    "::ffff:169.254.169.254", "::ffff:0.0.0.0", "::169.254.169.254", "::ffff:0:169.254.169.254",
    "64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254", "2002:a9fe:a9fe::1", "2001:db8::5efe:169.254.169.254",
    "2001:db8::200:5efe:169.254.169.254", "2001:0:a9fe:a9fe::1", "2001:0:102:304::5601:5601",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fc00::1", "fd12::1",
    "fec0::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1", "::ffff:127.0.0.1",
]  # fmt: skip
PUBLIC_ADDRESSES = ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "2002:808:808::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("text", NEVER)
def test_some_addresses_are_never_dialled(text: str) -> None:
    address = ip_address(text)
    everything = DialPolicy.of_networks("0.0.0.0/0", "::/0")
    assert [policy.permits(address) for policy in (ANY, PUBLIC, everything)] == [False, False, False]


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_are_dialled_unless_forbidden(text: str) -> None:
    assert [policy.permits(ip_address(text)) for policy in (ANY, PUBLIC)] == [True, False]


@pytest.mark.parametrize("text", PUBLIC_ADDRESSES)
def test_public_addresses_are_dialled(text: str) -> None:
    assert [policy.permits(ip_address(text)) for policy in (ANY, PUBLIC)] == [True, True]


def test_named_networks_are_the_only_ones_and_may_be_private() -> None:
    policy = DialPolicy(forbid_private=True, only=DialPolicy.of_networks("10.1.0.0/16", "::1").only)
    permitted = [
        text
        for text in ("10.1.2.3", "10.2.2.3", "::1", "1.1.1.1", "::ffff:10.1.2.3")
        if policy.permits(ip_address(text))
    ]
    assert permitted == ["10.1.2.3", "::1", "::ffff:10.1.2.3"]


@override_settings(MAILBOX_DIAL_ONLY=["10.0.0.0/8", "::1"], MAILBOX_FORBID_PRIVATE_NETWORKS=True)
def test_the_policy_is_read_from_the_settings() -> None:
    assert load_dial_policy() == DialPolicy(True, DialPolicy.of_networks("10.0.0.0/8", "::1").only)


@pytest.mark.parametrize("host", [
    "169.254.169.254", "[fe80::1]", "fe80::1%eth0", "::ffff:a9fe:a9fe", "0.0.0.0", "255.255.255.255", "[::1%lo]",
])  # fmt: skip
def test_a_forbidden_address_is_refused_before_anything_is_dialled(host: str) -> None:
    with scripted_server([]) as server:
        error = failure_of_opening(server.settings(host=host), policy=ANY)
    assert (error.phase, error.fault) == (Phase.RESOLVE, Fault.ADDRESS_FORBIDDEN)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "::1"])
def test_a_name_is_judged_by_its_addresses(host: str) -> None:
    with scripted_server([]) as server:
        error = failure_of_opening(server.settings(host=host), policy=PUBLIC)
    assert (error.phase, error.fault) == (Phase.RESOLVE, Fault.ADDRESS_FORBIDDEN)
    assert server.connections == 0
