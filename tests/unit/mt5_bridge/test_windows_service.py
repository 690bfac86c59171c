"""The Windows service's commands: exactly these, in PowerShell's spelling and as argument lists, and nothing injected.

There is no Windows here: what is checked is what would be run there.
"""

import json
import re
import string
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge.__main__ import main
from mt5_bridge.config import BridgeConfig
from mt5_bridge.windows_service import commands, installation, powershell, run
from tests.unit.mt5_bridge.test_config import ACCOUNT, write
from tradeloom.errors import InvalidInput

SCRIPT = Path(__file__).parents[3] / "mt5_bridge" / "install-service.ps1"
PYTHON = r"C:\Program Files\Tradeloom\bridge\Scripts\python.exe"
NSSM = r"C:\tools\nssm.exe"


def config(data_dir: str = r"C:\tradeloom data\bridge", terminal: str = r"C:\MT5 demo\terminal64.exe") -> BridgeConfig:
    account = ACCOUNT | {"terminal": "metatrader5", "terminal_path": terminal}
    return BridgeConfig.model_validate({"data_dir": data_dir, "accounts": [account], "drain_timeout_s": 12})


def installed(
    name: str = "Bridge", path: str = r"C:\tradeloom data\bridge.toml", **changes: Any
) -> tuple[str, list[list[str]]]:
    return installation(name, PureWindowsPath(path), config(**changes), PYTHON, NSSM)


def test_the_commands() -> None:
    logs, found = installed()
    assert logs == r"C:\tradeloom data\bridge\logs"
    of_nssm = {tuple(command[3:5]) if command[3] == "AppExit" else (command[3],): command[-1] for command in found[:14]}
    assert all(command[0] == NSSM and command[2] == "Bridge" for command in found[:14])
    assert found[0] == [NSSM, "install", "Bridge", PYTHON]
    assert of_nssm == {
        (PYTHON,): PYTHON,
        ("AppParameters",): "-P -m mt5_bridge --config bridge.toml",
        ("AppDirectory",): r"C:\tradeloom data",
        ("DisplayName",): "Tradeloom bridge (Bridge)",
        ("Description",): "Stands between Tradeloom and MetaTrader 5: order journal, risk gate, network front.",
        ("Start",): "SERVICE_DELAYED_AUTO_START",
        ("AppExit", "Default"): "Restart",
        ("AppRestartDelay",): "5000",
        ("AppThrottle",): "10000",
        ("AppStopMethodConsole",): "42000",  # drains for up to 12 s, and leaves
        ("AppStdout",): r"C:\tradeloom data\bridge\logs\service.log",
        ("AppStderr",): r"C:\tradeloom data\bridge\logs\service.log",
        ("AppRotateFiles",): "1",
        ("AppRotateBytes",): "5000000",
    }
    assert found[14:] == [
        [NSSM, "set", "Bridge", "AppEnvironmentExtra", "PYTHONUNBUFFERED=1", "PYTHONUTF8=1"],
        [NSSM, "set", "Bridge", "AppExit", "2", "Exit"],  # a wrong configuration is not started again and again
        ["sc.exe", "config", "Bridge", "obj=", r"NT SERVICE\Bridge"],
        [
            "icacls.exe", r"C:\tradeloom data\bridge", "/inheritance:r", "/grant:r", "*S-1-5-18:(OI)(CI)F",
            "*S-1-5-32-544:(OI)(CI)F", r"NT SERVICE\Bridge:(OI)(CI)M",
        ],
        ["icacls.exe", r"C:\MT5 demo", "/grant", r"NT SERVICE\Bridge:(OI)(CI)M"],
        ["icacls.exe", r"C:\tradeloom data\bridge.toml", "/grant", r"NT SERVICE\Bridge:R"],
    ]  # fmt: skip


def test_no_password_is_on_a_command_line() -> None:
    account = ACCOUNT | {"password": "env:MT5_PASSWORD"}
    secret = BridgeConfig.model_validate({"data_dir": "C:\\d", "accounts": [account]})
    _, found = installation("Bridge", PureWindowsPath("C:\\bridge.toml"), secret, PYTHON, NSSM)
    assert "MT5_PASSWORD" not in json.dumps(found)


@pytest.mark.parametrize("name", ["", "a b", "a&b", "-x", "1x", "x" * 65, "x\n", "x'", 'x"', "é", "x/y"])
def test_a_name_that_could_be_taken_apart_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        installed(name)
    assert caught.value.field == "name"
    with pytest.raises(InvalidInput):
        commands("start", name, NSSM)


@pytest.mark.parametrize("bad", ['a" /grant Everyone:F "', "%PATH%", "a|b", "a\nb", "a<b", "a\x00b", "a*"])
def test_a_path_that_could_be_taken_apart_is_refused(bad: str) -> None:
    for field, changes in {
        "data_dir": {"data_dir": f"C:\\{bad}"},
        "accounts.0.terminal_path": {"terminal": f"C:\\{bad}\\terminal64.exe"},
        "config": {"path": f"C:\\{bad}\\bridge.toml"},
    }.items():
        with pytest.raises(InvalidInput) as caught:
            installed(**changes)
        assert caught.value.field == field


@pytest.mark.parametrize("file", ["my bridge.toml", "bridge'.toml x", "brücke.toml"])
def test_the_configurations_file_name_must_be_plain(file: str) -> None:
    with pytest.raises(InvalidInput, match="plain"):
        installed(path=f"C:\\tradeloom\\{file}")


def test_a_path_with_a_quote_and_an_ampersand_stays_one_argument() -> None:
    _, found = installed(data_dir=r"C:\R&D's $(calc)\data")
    line = next(powershell(command) for command in found if command[0] == "icacls.exe")
    assert line.startswith(r"& 'icacls.exe' 'C:\R&D''s $(calc)\data' '/inheritance:r'")


def read_back(line: str) -> list[str]:
    """How PowerShell reads words between single quotes."""
    assert line.startswith("& ")
    words = re.findall(r"'((?:[^'\u2018\u2019\u201a\u201b]|['\u2018\u2019\u201a\u201b]{2})*)'(?: |$)", line[2:])
    return [re.sub(r"(['\u2018\u2019\u201a\u201b])\1", r"\1", word) for word in words]


@given(st.lists(st.text(st.characters(codec="utf-8", categories=["L", "P", "S", "Zs"])), min_size=1))
def test_whatever_an_argument_holds_powershell_takes_it_literally(command: list[str]) -> None:
    assert read_back(powershell(command)) == command


def test_running_stops_at_the_first_failure(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[list[str]] = []

    def call(command: list[str]) -> int:
        ran.append(command)
        return 5 if command[1] == "second" else 0

    wanted = [["x", "first"], ["x", "second"], ["x", "third"]]
    assert run(wanted, may_fail=False, call=call) == 1
    assert ran == wanted[:2]
    assert "'second' ended with 5" in capsys.readouterr().err
    ran.clear()
    assert run(wanted, may_fail=True, call=call) == 0
    assert ran == wanted
    assert run(wanted[:2], may_fail=True, call=call) == 1


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("start", [[NSSM, "start", "B"]]),
        ("stop", [[NSSM, "stop", "B"]]),
        ("restart", [[NSSM, "restart", "B"]]),
        ("status", [[NSSM, "status", "B"]]),
        ("uninstall", [[NSSM, "stop", "B"], [NSSM, "remove", "B", "confirm"]]),
    ],
)
def test_the_other_actions(action: str, expected: list[list[str]]) -> None:
    assert commands(action, "B", NSSM) == expected


class TestCommandLine:
    def test_print_shows_the_script_anywhere(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = write(tmp_path, data_dir="C:\\tradeloom\\bridge")
        assert main(["service", "install", "--config", str(file), "--print", "--python", PYTHON]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == r"New-Item -ItemType Directory -Force -Path 'C:\tradeloom\bridge\logs' | Out-Null"
        assert lines[1] == f"& 'nssm.exe' 'install' 'TradeloomBridge' '{PYTHON}'"
        assert all(line.startswith("& '") for line in lines[1:])

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            (["start"], 2, "Windows"),
            (["install", "--print"], 2, "--config"),
            (["install", "--print", "--config", "missing.toml"], 2, "missing.toml"),
            (["start", "--print", "--name", "a b"], 2, "name"),
        ],
    )
    def test_what_cannot_be_done_is_told(
        self, arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["service", *arguments]) == code
        assert told in capsys.readouterr().err


class TestInstaller:
    """The PowerShell script, as far as it can be read without PowerShell."""

    def test_brackets_and_quotes_are_balanced(self) -> None:
        text = re.sub(r"<#.*?#>", "", SCRIPT.read_text(), flags=re.DOTALL)
        stack: list[str] = []
        for line in text.splitlines():
            code = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"`]|`.)*\"", "", re.sub(r"(^|\s)#.*$", "", line))
            assert "'" not in code.replace("''", ""), line
            assert '"' not in code, line
            for sign in code:
                if sign in "([{":
                    stack.append(sign)
                elif sign in ")]}":
                    assert stack.pop() + sign in ("()", "[]", "{}"), line
        assert stack == []

    def test_it_is_plain_ascii_and_names_no_registry(self) -> None:
        """Windows PowerShell 5.1 reads a file without a mark in the machine's own code page."""
        text = SCRIPT.read_text()
        assert set(text) <= set(string.printable)
        assert "://" not in text

    def test_every_program_is_checked_for_its_exit_code(self) -> None:
        code = [line.strip() for line in SCRIPT.read_text().splitlines() if not line.strip().startswith("#")]
        assert [line for line in code if line.startswith("& ")] == ["& $Program @Arguments"]
        assert "Invoke-Expression" not in " ".join(code)

    def test_it_calls_the_actions_there_are(self) -> None:
        actions = set(re.findall(r"@\('service', '([a-z]+)'", SCRIPT.read_text()))
        assert actions == {"install", "uninstall", "start"}
