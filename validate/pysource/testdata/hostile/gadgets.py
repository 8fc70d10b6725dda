"""Functions that take functions."""
import functools
import os
from operator import attrgetter, methodcaller, itemgetter
import operator
import threading
import concurrent.futures

attrgetter("system")(os)("true")  # want "pysource/process"
methodcaller("system", "true")(os)  # want "pysource/process"
itemgetter("system")(vars(os))("true")  # want "pysource/process"
functools.reduce(getattr, ["path", "os", "system"], os)("true")  # want "pysource/process"
functools.partial(os.system, "true")()  # want "pysource/process"
functools.partial(getattr, os)("system")("true")  # want "pysource/process"
list(map(os.system, ["true"]))  # want "pysource/process"
threading.Thread(target=os.system, args=("true",)).start()  # want "pysource/process"
sorted(["1"], key=eval)  # want "pysource/execution"
next(filter(exec, ["1"]))  # want "pysource/execution"
max(["1"], key=__import__)  # want "pysource/import-machinery"
concurrent.futures.ThreadPoolExecutor().submit(os.popen, "true")  # want "pysource/process"
(lambda m: m.system("true"))(os)  # want "pysource/process"
operator.attrgetter("sys" + "tem")(os)("true")  # want "pysource/process"
list(map(getattr, [os], ["system"]))[0]("true")  # want "pysource/process"
operator.call(os.system, "true")  # want "pysource/process"
