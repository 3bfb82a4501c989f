"""A program that uses cards through PKCS#11 modules it was told of by a configuration: pkcs11-host.py --p11-kit | --nss FOLDER.

It prints one line when it has looked at every slot, and lives until its input ends.
"""
import ctypes
import sys

# Positions of the functions in CK_FUNCTION_LIST, behind its version (PKCS#11 2.40, pkcs11f.h).
C_GET_SLOT_LIST = 5


class FunctionList(ctypes.Structure):
    _fields_ = [("version", ctypes.c_ubyte * 2), ("functions", ctypes.c_void_p * 68)]


def slots_by_p11_kit():
    p11_kit = ctypes.CDLL("libp11-kit.so.0")
    p11_kit.p11_kit_modules_load_and_initialize.restype = ctypes.POINTER(ctypes.POINTER(FunctionList))
    modules = p11_kit.p11_kit_modules_load_and_initialize(0)
    total = 0
    for module in modules:
        if not module:
            break
        get_slot_list = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_ubyte, ctypes.c_void_p, ctypes.POINTER(ctypes.c_ulong))(module.contents.functions[C_GET_SLOT_LIST - 1])
        count = ctypes.c_ulong()
        if get_slot_list(1, None, ctypes.byref(count)) == 0:
            total += count.value
    return total


def slots_by_nss(folder):
    nss = ctypes.CDLL("libnss3.so")
    if nss.NSS_Init(f"sql:{folder}".encode()) != 0:
        sys.exit("NSS has not taken the database")
    nss.PK11_GetAllTokens.restype = ctypes.c_void_p
    # CKM_INVALID_MECHANISM: all tokens (NSS lib/pk11wrap/pk11slot.c).
    nss.PK11_GetAllTokens(ctypes.c_ulong(0xFFFFFFFF), 0, 0, None)
    return "some"


found = slots_by_p11_kit() if sys.argv[1] == "--p11-kit" else slots_by_nss(sys.argv[2])
print(f"ready, {found} slots with a token", flush=True)
sys.stdin.read()
