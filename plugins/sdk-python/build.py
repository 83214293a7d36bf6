"""Builds a Millstream plugin of Python into a component.

`millstream plugin build` runs it: python3 build.py FOLDER KIND NAME. Progress goes
to standard error; the path of the component is printed last. It needs Python 3.10
or later and nothing else: componentize-py is installed into the project on first
use.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

#: The tool that makes components, and the version of Python in it.
TOOL, VERSION, PYTHON = "componentize-py", "0.25.1", "3.14"

#: The environment of the interpreter while the component is built: a fixed order of
#: sets of strings, and no files beside the author's.
GUEST = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

#: The capabilities that are imports: a plugin has them if the author imports the SDK's
#: module of the same name.
IMPORTS = ("log", "clock")

#: Imports the author's module, and prints the capabilities that it needs. An older SDK
#: has none.
CHECK = """
import sys, plugin
from millstream import {kind} as kind
needs = [name for name in {imports} if "millstream." + name in sys.modules]
if getattr(kind, "keeps_state", lambda author: False)(plugin):
    from millstream import stateful as kind
    needs.append("keyvalue")
kind.check(plugin)
print("\\n{mark}", *needs)
"""
MARK = "millstream-needs"


class Failed(Exception):
    """Why there is no component, and what to do."""


def main(folder: Path, kind: str, name: str) -> Path:
    if sys.version_info < (3, 10):
        found = ".".join(map(str, sys.version_info[:3]))
        raise Failed(f"python3 is Python {found}: install Python 3.10 or later")
    if not (folder / "src" / "plugin.py").is_file():
        raise Failed(f"there is no src/plugin.py in {folder}")
    own = folder / ".millstream"
    tool = install(own)
    packages = install_packages(folder, own)
    needs = check(folder, packages, kind, tool.parent)
    (packages / "environment.abi3.so").write_bytes(environment(GUEST))
    world = "stateful-transform" if "keyvalue" in needs else kind
    return componentize(tool, folder, contract(folder, own, needs), world, name)


def install(own: Path) -> Path:
    """Installs the tool into a virtual environment of the project, once."""
    venv = own / "venv"
    bin = venv / ("Scripts" if os.name == "nt" else "bin")
    stamp, wanted = venv / "millstream.txt", f"{TOOL}=={VERSION}"
    if stamp.is_file() and stamp.read_text() == wanted and works(bin):
        return bin / TOOL
    say(f"installing {TOOL} {VERSION} into {shown(venv)} (70 MB, once per project)")
    shutil.rmtree(venv, ignore_errors=True)
    own.mkdir(exist_ok=True)
    made = run([sys.executable, "-m", "venv", str(venv)])
    if made.returncode:
        raise Failed(
            f"python3 can't make a virtual environment: install the package python3-venv\n"
            f"{made.stdout}"
        )
    pip(bin, ["install", wanted], f"can't install {TOOL} {VERSION}")
    stamp.write_text(wanted)
    return bin / TOOL


def works(bin: Path) -> bool:
    """Whether the virtual environment is whole. A project that was moved has one that
    is not."""
    try:
        return run([str(bin / TOOL), "--version"]).returncode == 0
    except OSError:
        return False


def install_packages(folder: Path, own: Path) -> Path:
    """Installs what requirements.txt names for the plugin: pure Python only. Returns
    the folder."""
    packages = own / "packages" / "lib" / "python3" / "site-packages"
    asked = folder / "requirements.txt"
    wanted = asked.read_text() if asked.is_file() else ""
    stamp = own / "packages" / "millstream.txt"
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return packages
    shutil.rmtree(own / "packages", ignore_errors=True)
    packages.mkdir(parents=True)
    if wanted.strip():
        say(f"installing requirements.txt into {shown(own / 'packages')}")
        bin = own / "venv" / ("Scripts" if os.name == "nt" else "bin")
        only = ["--only-binary", ":all:", "--implementation", "py", "--abi", "none"]
        only += ["--platform", "any", "--python-version", PYTHON]
        pip(
            bin,
            ["install", "--target", str(packages), *only, "-r", str(asked)],
            "can't install requirements.txt; a plugin can contain packages in pure Python "
            "only",
        )
    stamp.write_text(digest)
    return packages


def check(folder: Path, packages: Path, kind: str, bin: Path) -> list:
    """Imports the author's module without WebAssembly: an error shows in a tenth of a
    second, not after the build. Returns the capabilities that it needs."""
    path = os.pathsep.join([str(folder / "src"), str(folder / "sdk"), str(packages)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    code = CHECK.format(kind=kind.replace("-", "_"), imports=IMPORTS, mark=MARK)
    done = run([str(bin / "python"), "-c", code], cwd=folder, env=environment)
    if done.returncode:
        raise Failed(readable(done.stdout, str(folder / "src")))
    told = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    return told[-1].split()[1:] if told else []


def contract(folder: Path, own: Path, needs: list) -> Path:
    """A copy of the contract, whose worlds import only what is needed: a component has
    all imports of its world. Returns the folder."""
    copy = own / "build" / "wit"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    unused = [f"import {name};" for name in IMPORTS if name not in needs]
    for file in (folder / "sdk" / "wit").glob("*.wit"):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.strip() not in unused]
        (copy / file.name).write_text("".join(kept), encoding="utf-8")
    return copy


def pip(bin: Path, arguments: list, failed: str) -> None:
    command = [str(bin / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    done = run(command + arguments)
    if done.returncode:
        raise Failed(f"{failed}:\n{done.stdout}")


def componentize(tool: Path, folder: Path, wit: Path, world: str, name: str) -> Path:
    own = folder / ".millstream"
    component = own / "build" / f"{name}.wasm"
    say(f"building {name} with {TOOL} {VERSION}")
    command = [str(tool), "--quiet", "-d", str(wit), "-w", f"{world}-plugin"]
    command += ["componentize", "--stub-wasi", "-p", str(folder / "src")]
    command += ["-p", str(folder / "sdk"), "-o", str(component)]
    command += ["millstream.component." + world.replace("-", "_")]
    # Without it the packages of this machine would be found.
    environment = {**os.environ, "VIRTUAL_ENV": str(own / "packages"), "RUST_BACKTRACE": "0"}
    done = run(command, env=environment)
    if done.returncode:
        raise Failed(readable(done.stdout))
    return component


def readable(output: str, source: str = "/0") -> str:
    """An error of the author's code: the frames of other code are left out, and the
    paths are those of the project."""
    output = output.split("Stack backtrace:")[0].split("\nCaused by:")[0]
    start = output.rfind("Traceback (most recent call last):")
    # The tool's own frames come first; those of the interpreter in it are last.
    lines = output[max(start, 0) :].replace(f'File "{source}', 'File "src').splitlines()
    kept, skip = [], False
    for line in lines:
        if line.startswith("  File "):
            skip = not line.startswith('  File "src')
        elif not line.startswith("    "):
            skip = False
        if not skip and line.strip():
            kept.append(line)
    if not any(line.startswith("  File ") for line in kept):
        kept = [line for line in kept if not line.startswith("Traceback")]
    if kept and kept[-1].startswith("ModuleNotFoundError"):
        kept.append("Packages in pure Python can be named in requirements.txt.")
    return "\n".join(kept)


def run(command: list, **more: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        **more,  # type: ignore[call-overload]
    )


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def environment(variables: dict) -> bytes:
    """A WebAssembly library that sets variables of the environment before the
    interpreter starts; componentize-py has no option for that. It is found by its
    name and linked as an extension module would be. In text:

        (module
          (import "env" "memory" (memory 0))
          (import "env" "__memory_base" (global $base i32))
          (import "env" "setenv" (func $setenv (param i32 i32 i32) (result i32)))
          (func (export "__wasm_call_ctors")
            ;; for each variable:
            (drop (call $setenv NAME VALUE (i32.const 1))))
          (data (global.get $base) "NAME\\00VALUE\\00..."))
    """
    data, code = b"", b""
    for name, value in variables.items():
        for text in (name, value):
            # global.get $base, i32.const, i32.add
            code += b"\x23\x00\x41" + signed(len(data)) + b"\x6a"
            data += text.encode() + b"\0"
        # i32.const 1, call $setenv, drop
        code += b"\x41\x01\x10\x00\x1a"
    body = b"\x00" + code + b"\x0b"
    dylink = text_of("dylink.0") + section(1, number(len(data)) + b"\x00\x00\x00")
    types = b"\x60\x03\x7f\x7f\x7f\x01\x7f" + b"\x60\x00\x00"
    imports = text_of("env") + text_of("memory") + b"\x02\x00\x00"
    imports += text_of("env") + text_of("__memory_base") + b"\x03\x7f\x00"
    imports += text_of("env") + text_of("setenv") + b"\x00\x00"
    return (
        b"\0asm\x01\0\0\0"
        + section(0, dylink)
        + section(1, b"\x02" + types)
        + section(2, b"\x03" + imports)
        + section(3, b"\x01\x01")
        + section(7, b"\x01" + text_of("__wasm_call_ctors") + b"\x00\x01")
        + section(10, b"\x01" + number(len(body)) + body)
        + section(11, b"\x01\x00\x23\x00\x0b" + number(len(data)) + data)
    )


def number(value: int) -> bytes:
    """LEB128."""
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def signed(value: int) -> bytes:
    """Signed LEB128, of a number that is not negative."""
    out = b""
    while value > 0x3F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def text_of(text: str) -> bytes:
    return number(len(text)) + text.encode()


def section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + number(len(content)) + content


if __name__ == "__main__":
    try:
        print(main(Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]))
    except Failed as error:
        say(str(error))
        sys.exit(1)
