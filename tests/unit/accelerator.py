"""An accelerator that is not there: tensors that say they are on it, compute on the CPU, and refuse to be mixed with the CPU's.

It finds what a GPU would: tensors made on the wrong device, and data that are taken to numpy without being fetched.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("meta")
# Of these an operand may be on the CPU while another is on the accelerator, as on a GPU.
COPIES = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}
INDEXED = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default, torch.ops.aten.index_put.default}


class There(torch.Tensor):
    """A tensor on the accelerator: its values are in ``here``, where only this module reads them."""

    @staticmethod
    def __new__(cls, here):
        made = torch.Tensor._make_wrapper_subclass(
            cls, here.shape, strides=here.stride(), storage_offset=here.storage_offset(), dtype=here.dtype, device=DEVICE
        )
        made.here = here
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl
    is_meta = False  # it has numbers, which a tensor on torch's device of that name has not

    @classmethod
    def __torch_dispatch__(cls, operation, types, arguments=(), keywords=None):
        return run(operation, arguments, keywords or {})

    def tolist(self):
        return self.here.tolist()

    def numpy(self, *_, **__):
        raise TypeError("this tensor is on the accelerator: fetch it with cpu() first")

    __array__ = numpy


class Accelerator(TorchDispatchMode):
    """While it is entered, there is one."""

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        return run(operation, arguments, keywords or {})


def run(operation, arguments, keywords):
    """An operation on the device of its operands, or on the one that it names."""
    wanted = keywords.get("device")
    operands = [value for value in tree_flatten((arguments, keywords))[0] if isinstance(value, torch.Tensor)]
    there = [value for value in operands if isinstance(value, There)]
    if any(value.device == DEVICE for value in operands if not isinstance(value, There)):
        # Such as torch.tensor(..., device=...) and indexing by a list: right on a GPU, but made out of this module's sight.
        raise NotImplementedError(f"{operation}: an operand was made by torch itself; make it on the CPU and move it")
    if operation in INDEXED and not isinstance(arguments[0], There) and there:
        raise RuntimeError(f"{operation}: a tensor of the CPU indexed by one of the accelerator")
    if there and operation not in COPIES:
        checked = [arguments[0]] if operation in INDEXED else operands
        strangers = [value for value in checked if not isinstance(value, There) and value.ndim > 0]
        if strangers:
            raise RuntimeError(f"{operation}: operands on two devices, {[tuple(value.shape) for value in operands]}")
    onto = bool(there) if wanted is None else torch.device(wanted) == DEVICE
    if operation is torch.ops.aten.copy_.default:
        onto = isinstance(arguments[0], There)
    plain = tree_map(lambda value: value.here if isinstance(value, There) else value, (arguments, keywords))
    if wanted is not None:
        plain[1]["device"] = torch.device("cpu")
    found = operation(*plain[0], **plain[1])
    if not onto:
        return found
    known = {id(value.here): value for value in there}  # an operation in place returns its operand
    return tree_map(lambda v: known.get(id(v), There(v)) if isinstance(v, torch.Tensor) else v, found)
