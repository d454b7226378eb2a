from __future__ import annotations

import json
from decimal import Decimal

import pytest
import structlog

from crmkit.cli.running import log_to_stderr


def test_a_log_that_goes_to_no_terminal_is_a_line_of_json_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_stderr()
    secret = "Ada Lovelace"
    try:
        raise ValueError(len(secret))
    except ValueError:
        structlog.get_logger().exception("delivery failed", amount=Decimal("1.50"))
    out, err = capsys.readouterr()
    [line] = err.splitlines()
    said = json.loads(line)
    assert out == ""
    assert (said["event"], said["level"], said["amount"]) == ("delivery failed", "error", "1.50")
    assert "ValueError: 12" in said["exception"]
    assert secret not in err
