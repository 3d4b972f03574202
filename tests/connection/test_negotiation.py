"""Why it was negotiated so: by rule, by whose order, what is known of the server; remembered and read again."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from dialogue import shake
from hypothesis import given
from hypothesis import strategies as st

from tlsviz.connection.model import CodePoint, Connection, Endpoint, Source, Trace
from tlsviz.connection.negotiation import Choice, folded, negotiation
from tlsviz.connection.observations import SUBJECTS, earlier, from_plain, observe, remembering, to_plain
from tlsviz.connection.observed import Observation
from tlsviz.sources.memory import LIMIT, PER_SERVER, Memory, recalled

FIRST, SECOND = "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"


@cache
def talk(version: str = "1.3", ciphers: str | None = None, kind: str = "ec", groups: bytes | None = None) -> Connection:
    return shake(version, ciphers, kind, server_groups=groups).connection()


def choice(connection: Connection, subject: str) -> Choice:
    return next(one for one in negotiation(connection) if one.subject == subject)


def seen(connection: Connection, **changes: object) -> Observation:
    found = observe(connection)
    assert found is not None
    return found._replace(time=found.time - 60, **changes)


def chosen(observation: Observation, subject: str, value: int | str | None) -> Observation:
    place = SUBJECTS.index(subject)
    values = (*observation.chosen[:place], value, *observation.chosen[place + 1 :])
    return observation._replace(chosen=values)


def test_the_only_one_is_no_choice() -> None:
    found = choice(talk("1.3", FIRST), "cipher_suite")
    assert (found.chosen, found.decider) == (FIRST, "only_one")


def test_what_cannot_be_chosen_is_told_from_what_was_not() -> None:
    found = choice(talk("1.2", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"), "cipher_suite")
    fates = {one.name: one for one in found.candidates}
    assert fates["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"].fate == "impossible"
    assert "RSA" in fates["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"].why
    assert found.decider == "only_one"


@pytest.mark.parametrize(
    ("suite", "resumed", "decider", "why"),
    [
        (0x009E, False, "protocol", "a prime and a generator"),
        (0xC02B, False, "unknown", "is not here"),
        (0xC02B, True, "protocol", "resumed session"),
        (0x009C, False, "protocol", "the key exchange is RSA"),
    ],
    ids=["dhe", "ecdhe-unseen", "resumed", "rsa"],
)
def test_no_group_has_its_reason(suite: int, resumed: bool, decider: str, why: str) -> None:
    base = talk("1.2", "ECDHE-ECDSA-AES128-GCM-SHA256")
    found = choice(replace(base, cipher_suite=CodePoint(suite, 2, None), group=None, resumed=resumed), "group")
    assert (found.chosen, found.decider) == (None, decider) and why in found.why


def test_the_server_decides_where_it_takes_what_stood_before() -> None:
    base = talk("1.3", f"{FIRST}:{SECOND}")
    assert choice(base, "cipher_suite").decider == "unknown", "the first of both orders"
    swapped = replace(base, cipher_suite=CodePoint(0x1301, 2, SECOND))
    assert choice(swapped, "cipher_suite").decider == "server_order"
    known = replace(swapped, earlier=(seen(base),))
    found = choice(known, "cipher_suite")
    assert found.decider == "server_order" and FIRST in found.why and found.accepted == (FIRST, SECOND)


def test_the_client_decides_where_the_choice_follows_it() -> None:
    now = talk("1.3", f"{FIRST}:{SECOND}")
    other = seen(talk("1.3", f"{SECOND}:{FIRST}"))
    if other.chosen[1] == 0x1302:
        pytest.skip("this OpenSSL has an order of its own")
    found = choice(replace(now, earlier=(other,)), "cipher_suite")
    assert found.decider == "client_order"


def test_a_retry_is_explained() -> None:
    found = choice(talk(groups=b"P-384"), "group")
    assert found.chosen == "secp384r1" and "HelloRetryRequest" in found.retry and found.decider == "server_order"
    sent = [one for one in found.candidates if one.key_share]
    assert sent and all(one.fate == "passed_over" for one in sent)


def test_what_was_refused_alone_is_known_to_be_refused() -> None:
    now = talk("1.3", f"{FIRST}:{SECOND}")
    alone = seen(now, complete=False, alert=40, offered=((0x0304,), (0x1301,), (), (), ()), chosen=(None,) * 5)
    fates = {one.name: one.fate for one in choice(replace(now, earlier=(alone,)), "cipher_suite").candidates}
    assert fates[SECOND] == "refused"


def test_a_server_that_chose_what_was_not_offered_tells_nothing_of_its_order() -> None:
    now = talk("1.3", f"{FIRST}:{SECOND}")
    odd = seen(now, offered=((0x0304,), (0x1301,), (), (), ()))
    assert choice(replace(now, earlier=(odd,)), "cipher_suite").decider == "unknown"


def test_folding_loses_nobody() -> None:
    found = choice(talk("1.2"), "cipher_suite")
    rows = folded(found)
    assert len(rows) < len(found.candidates)
    assert rows[0].fate == "chosen"


def test_only_earlier_handshakes_with_the_same_server_count() -> None:
    now = talk()
    mine, other, late = seen(now), seen(now, server="other.test"), seen(now)._replace(time=now.start + 5)
    assert earlier(now, (mine, other, late)) == (mine,)
    first, second = replace(now, id=0), replace(now, id=1, start=now.start + 10)
    found = remembering(Trace(Source("capture", "x"), (first, second)))
    assert [len(each.earlier) for each in found.connections] == [0, 1]


def test_an_observation_survives_the_file() -> None:
    found = observe(talk())
    assert found is not None
    assert from_plain(json.loads(json.dumps(to_plain(found)))) == found
    assert not any(secret.hex() in json.dumps(to_plain(found)) for _, secret in talk().secrets)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=13)
    )
)
def test_a_damaged_file_gives_nothing_or_something_whole(item: object) -> None:
    found = from_plain(item)
    assert found is None or from_plain(json.loads(json.dumps(to_plain(found)))) == found


def test_the_memory_is_bounded_and_forgives(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "deep" / "seen.json")
    away = replace(talk(), server=Endpoint("192.0.2.2", 443))
    for number in range(PER_SERVER + 5):
        memory.add([replace(away, start=away.start + number)])
    assert len(memory.load()) == PER_SERVER
    memory.add([replace(away, server_name=f"n{number}.test") for number in range(LIMIT + 5)])
    assert len(memory.load()) == LIMIT
    memory.path.write_text('{"version": 1, "seen": [[1], 2, null]}')
    assert memory.load() == ()
    memory.path.write_bytes(b"\xff{")
    assert memory.load() == ()


def test_this_machine_is_not_remembered_and_the_next_live_run_knows(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "seen.json")
    away = replace(talk(), server=Endpoint("192.0.2.2", 443))
    recalled(Trace(Source("live", "here"), (replace(away, server=Endpoint("127.0.0.1", 443)),)), memory)
    assert memory.load() == ()
    recalled(Trace(Source("live", "there"), (away,)), memory)
    again = recalled(Trace(Source("live", "there"), (replace(away, start=away.start + 9),)), memory)
    assert len(again.connections[0].earlier) == 1
    recalled(Trace(Source("capture", "file"), (away,)), memory)
    assert len(memory.load()) == 2


def test_nothing_is_explained_of_nothing() -> None:
    assert negotiation(Connection()) == ()
    assert observe(Connection()) is None
