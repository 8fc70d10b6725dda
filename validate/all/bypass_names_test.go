package all_test

import "strings"

// calledNames are names that a pickle must not call, by row. Names behind "?" are in no list: nobody vetted them, which
// refuses them as well, but a user may allow them.
var calledNames = map[int]string{
	11: "cPickle.loads urllib.urlopen thread.start_new_thread copy_reg.add_extension popen2.popen3 __builtin__.__import__ ?exceptions.eval",
	12: "pydoc.locate unittest.mock._importer operator.attrgetter operator.itemgetter functools.reduce builtins.getattr builtins.vars importlib.reload runpy.run_path " +
		"zipimport.zipimporter site.addsitedir types.MethodType builtins.type builtins.map builtins.filter ?logging.config._resolve",
	13: "torch.load numpy.load joblib.load joblib.numpy_pickle.load pandas.read_pickle pandas.io.pickle.read_pickle dill.loads torch.hub.load torch.jit.load shelve.open _pickle.Unpickler " +
		"pickle.Unpickler cloudpickle.loads torch.package.PackageImporter jsonpickle.decode ?keras.models.load_model ?keras.saving.saving_lib.load_model ?yaml.unsafe_load",
	14: "types.FunctionType dill._dill._create_function cloudpickle.cloudpickle._builtin_type builtins.compile codeop.compile_command code.InteractiveInterpreter",
	15: "posix.execv nt.system os.spawnl subprocess.check_output _posixsubprocess.fork_exec pty.spawn socket.create_connection urllib.request.urlopen http.client.HTTPConnection ftplib.FTP smtplib.SMTP " +
		"telnetlib.Telnet poplib.POP3 nntplib.NNTP xmlrpc.client.ServerProxy webbrowser.open builtins.open io.open _io.FileIO shutil.rmtree os.remove tempfile.mktemp fileinput.input linecache.getline codecs.open " +
		"zipfile.ZipFile tarfile.open sqlite3.connect _thread.start_new_thread threading.Thread threading.Timer multiprocessing.Process multiprocessing.util.spawnv_passfds concurrent.futures.ThreadPoolExecutor " +
		"asyncio.run signal.signal atexit.register sys.settrace sys.exit bdb.Bdb pdb.run trace.Trace cProfile.run profile.run timeit.timeit doctest.testfile pip.main pip._internal.main ensurepip.bootstrap " +
		"venv.create distutils.spawn.spawn idlelib.run.Executive ctypes.CDLL cffi.FFI mmap.mmap faulthandler.enable gc.get_objects logging.FileHandler platform.popen commands.getoutput uuid._get_command_stdout " +
		"http.server.HTTPServer socketserver.TCPServer compileall.compile_file py_compile.compile imp.load_source ?gzip.open ?bz2.open ?lzma.open ?pipes.Template ?mailcap.findmatch ?smtpd.SMTPServer ?crypt.crypt",
	16: "numpy.f2py.crackfortran.myeval numpy.testing._private.utils.runstring numpy.distutils.exec_command.exec_command torch._inductor.codecache.compile_file " +
		"torch._inductor.runtime.compile_tasks._reload_python_module torch.utils.cpp_extension.load torch.utils.cpp_extension.load_inline torch.utils._config_module.ConfigModule torch.utils.bottleneck.__main__.run_cprofile " +
		"torch.distributed.rpc.internal.PythonUDF torch.distributed.rpc.internal._run_function mlflow.projects.backend.local._run_entry_point mlflow.pyfunc.load_model pandas.read_csv torch.fx.graph_module.reduce_graph_module " +
		"torch.ops.load_library numpy.fromfile numpy.memmap ?pandas.read_sql ?keras.utils.get_file ?transformers.pipeline ?numpy.genfromtxt",
	20: "pickle._Unpickler builtins.setattr builtins.globals ?picklescan.scanner.scan_bytes ?fickling.fickling ?modelscan.modelscan ?loadlock.scan ?pickletools.genops",
}

// nameCalls are rows 11 to 16 and 20, name by name.
func nameCalls() (list []technique) {
	for row, names := range calledNames {
		for _, name := range strings.Fields(names) {
			rule, at := denied, "\x85^R"
			if n, ok := strings.CutPrefix(name, "?"); ok {
				name, rule, at = n, unknown, "\x80\x02^c"
			}
			dot := strings.LastIndexByte(name, '.')
			list = append(list, call(row, "", name, "PROTO 2; GLOBAL "+name[:dot]+" "+name[dot+1:]+"; BINUNICODE x; TUPLE1; REDUCE; STOP", rule, at, "PROTO 2; BINUNICODE "+name+"; TUPLE1; STOP"))
		}
	}
	return list
}
