# What else programs around a model do: processes, event loops, file work, signals, foreign functions.
import asyncio, ctypes, multiprocessing, os, shutil, signal, sqlite3, subprocess, tempfile


def square(x):
    return x * x


async def loop():
    await asyncio.sleep(0.01)
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0


if __name__ == "__main__":
    assert subprocess.run(["ls", "-l", "/usr"], capture_output=True).returncode == 0
    for method in "fork", "spawn", "forkserver":
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(square, [1, 2]) == [1, 4]
    asyncio.run(loop())
    folder = tempfile.mkdtemp()
    with open(folder + "/a", "w") as file:
        file.write("x" * 100)
    shutil.copy2(folder + "/a", folder + "/b")
    shutil.copytree(folder, folder + "c")
    os.rename(folder + "/a", folder + "/z")
    os.symlink("z", folder + "/l")
    os.chmod(folder + "/z", 0o600)
    shutil.move(folder + "/b", folder + "/q")
    shutil.rmtree(folder)
    shutil.rmtree(folder + "c")
    signal.signal(signal.SIGALRM, lambda *a: None)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.pause()
    sqlite3.connect(":memory:").execute("select 1")
    assert ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 3)() == 3
    print("done")
