# Writes ONNX models with the libraries of the distribution into the folder named on the command line.
import os, sys
import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh
os.chdir(sys.argv[1])
def model(name, nodes, inits=(), funcs=(), **kw):
    x=h.make_tensor_value_info('x',T.FLOAT,['N',4]); y=h.make_tensor_value_info('y',T.FLOAT,['A','B'])
    g=h.make_graph(nodes,'g',[x],[y],list(inits))
    m=h.make_model(g,opset_imports=[h.make_opsetid('',16)]+([h.make_opsetid('f',1)] if funcs else []),functions=list(funcs),producer_name='test',**kw)
    return m
W=nh.from_array(np.ones((4,3),np.float32),'W'); B=nh.from_array(np.zeros(3,np.float32),'B')
gemm=model('a',[h.make_node('Gemm',['x','W','B'],['y'])],[W,B]); onnx.checker.check_model(gemm); onnx.save(gemm,'gemm.onnx')
types=[h.make_tensor('t%d'%i,t,[2,2],[1,0,1,0]) for i,t in enumerate([T.FLOAT,T.UINT8,T.INT8,T.UINT16,T.INT16,T.INT32,T.INT64,T.BOOL,T.FLOAT16,T.DOUBLE,T.UINT32,T.UINT64,T.COMPLEX64,T.COMPLEX128,T.BFLOAT16])]
types.append(h.make_tensor('s',T.STRING,[2],[b'a',b'b\xff'])); types.append(h.make_tensor('e',T.FLOAT,[0,3],[])); types.append(h.make_tensor('sc',T.INT64,[],[5]))
types.append(nh.from_array(np.array(3.0,np.float32),'np0'))
onnx.save(model('t',[h.make_node('Identity',['x'],['y'])],types),'types.onnx')
th=h.make_graph([h.make_node('Relu',['x'],['yt'])],'th',[],[h.make_tensor_value_info('yt',T.FLOAT,['Q'])])
el=h.make_graph([h.make_node('Constant',[],['ye'],value=nh.from_array(np.ones(3,np.float32)))],'el',[],[h.make_tensor_value_info('ye',T.FLOAT,['Q'])])
onnx.save(model('if',[h.make_node('If',['c'],['y'],then_branch=th,else_branch=el)],[nh.from_array(np.array(True),'c')]),'if.onnx')
f=h.make_function('f','Twice',['a'],['b'],[h.make_node('Add',['a','a'],['b'])],[h.make_opsetid('',16)])
fm=model('f',[h.make_node('Twice',['x'],['y'],domain='f')],funcs=[f]); onnx.checker.check_model(fm); onnx.save(fm,'func.onnx')
sp=h.make_sparse_tensor(h.make_tensor('v',T.FLOAT,[2],[1.,2.]),h.make_tensor('i',T.INT64,[2],[1,3]),[5])
onnx.save(model('sp',[h.make_node('Constant',[],['q'],sparse_value=sp),h.make_node('Identity',['x'],['y']),h.make_node('FusedMatMul',['x','x'],['z'],domain='com.microsoft')]),'sparse.onnx')
m=model('md',[h.make_node('Relu',['x'],['y'],doc_string='doc é')]); h.set_model_props(m,{'a':'b'}); m.training_info.add().initialization.name='i'; onnx.save(m,'props.onnx')
for mode,all1 in (('one',True),('many',False)):
    os.makedirs(mode,exist_ok=True)
    mm=model('x',[h.make_node('Identity',['x'],['y'])],[nh.from_array(np.ones((64,64),np.float32),'W'),nh.from_array(np.ones(5000,np.float16),'B2'),nh.from_array(np.ones(3,np.float32),'small')])
    onnx.save_model(mm,mode+'/m.onnx',save_as_external_data=True,all_tensors_to_one_file=all1,location='m.onnx_data' if all1 else None,size_threshold=100)
    onnx.checker.check_model(mode+'/m.onnx')
import torch
from torch import nn
class N(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Embedding(10,8); s.l=nn.LSTM(8,16,2,batch_first=True); s.c=nn.Sequential(nn.Linear(16,4),nn.ReLU())
    def forward(s,x): return s.c(s.l(s.e(x))[0])
torch.onnx.export(N().eval(),torch.ones(1,5,dtype=torch.long),'torch.onnx',opset_version=14,dynamic_axes={'x':[0,1]},input_names=['x'])
torch.onnx.export(nn.Sequential(nn.Conv2d(3,4,3),nn.BatchNorm2d(4),nn.ReLU()),torch.ones(1,3,8,8),'conv.onnx',training=torch.onnx.TrainingMode.TRAINING,verbose=False)
torch.onnx.export(N().eval(),torch.ones(1,5,dtype=torch.long),'torchf.onnx',opset_version=15,export_modules_as_functions={nn.Linear})
