"""A filter of system calls (seccomp, as a classic BPF program): what no test needs and an escape might.

Numbers of x86_64 and aarch64 from Linux' own tables; another machine has no filter and so no box that needs one."""

import platform
import struct
from collections.abc import Sequence

EPERM, ENOSYS = 1, 38
# offsets in struct seccomp_data; low halves of the arguments on little-endian machines
NUMBER, ARCH, ARGUMENTS = 0, 4, 16
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column of the tables, AUDIT_ARCH
X32 = 0x40000000  # from here on numbers of another table of x86_64

REFUSED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "quotactl": (179, 60), "acct": (163, 89), "syslog": (103, 116), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "process_madvise": (440, 440), "vhangup": (153, 58), "sethostname": (170, 161), "setdomainname": (171, 162),
}  # fmt: skip
# as if the kernel had none of them, so that programs take another way
ABSENT = {
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "clone3": (435, 435),
}  # fmt: skip
# where there are no namespaces: what outlives the box, or reaches others
ABSENT_SHARED = {
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180), "memfd_secret": (447, 447),
}  # fmt: skip
# where the box is the user: Landlock does not see these, and the files of the user are in reach; they do nothing
WITHOUT_EFFECT = {
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, -1),
    "fchown": (93, 55), "lchown": (94, -1), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "setxattrat": (463, 463), "removexattr": (197, 14), "lremovexattr": (198, 15),
    "fremovexattr": (199, 16), "removexattrat": (466, 466), "utime": (132, -1), "utimes": (235, -1),
    "futimesat": (261, -1), "utimensat": (280, 88), "file_setattr": (469, 469),
}  # fmt: skip
CLONE, SOCKET, IOCTL, PRLIMIT = (56, 220), (41, 198), (16, 29), (302, 261)
NAMESPACES = 0x7E020000  # the CLONE_NEW flags of clone
FAMILIES = (1, 2, 10, 16)  # UNIX, INET, INET6, NETLINK: those that a network namespace keeps in; not VSOCK
TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into the user's terminal


def known() -> bool:
    return platform.machine() in MACHINES


def program(network_namespace: bool, same_user: bool = False) -> bytes:
    """The filter, as prctl and bubblewrap take it: struct sock_filter one after the other.

    Without a network namespace there are no sockets but pairs; `same_user`: the box runs under the user's own id."""
    column, arch = MACHINES[platform.machine()]
    code = [op(LOAD, ARCH), op(EQUAL, arch, 1, 0), op(RETURN, KILL), op(LOAD, NUMBER)]
    if column == 0:
        code += [op(AT_LEAST, X32, 0, 1), op(RETURN, REFUSE | ENOSYS)]
    absent = ABSENT if network_namespace else ABSENT | ABSENT_SHARED
    answers = [(REFUSED, EPERM), (absent, ENOSYS), (WITHOUT_EFFECT if same_user else {}, 0)]
    for table, error in answers:
        for numbers in table.values():
            if numbers[column] >= 0:
                code += [op(EQUAL, numbers[column], 0, 1), op(RETURN, REFUSE | error)]
    code += when(CLONE[column], 0, [op(ANY_BIT, NAMESPACES, 0, 1), op(RETURN, REFUSE | EPERM), op(RETURN, ALLOW)])
    code += when(IOCTL[column], 1, [*refuse(TERMINAL), op(RETURN, ALLOW)])
    if network_namespace:
        families = [step for family in FAMILIES for step in (op(EQUAL, family, 0, 1), op(RETURN, ALLOW))]
        code += when(SOCKET[column], 0, [*families, op(RETURN, REFUSE | EPERM)])
    else:
        code += [op(EQUAL, SOCKET[column], 0, 1), op(RETURN, REFUSE | EPERM)]
    if same_user:  # limits of the user's other processes are not to be changed
        code += when(PRLIMIT[column], 0, [op(EQUAL, 0, 1, 0), op(RETURN, REFUSE | EPERM), op(RETURN, ALLOW)])
    return b"".join([*code, op(RETURN, ALLOW)])


def op(code: int, k: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, k)


def refuse(values: Sequence[int]) -> list[bytes]:
    return [step for value in values for step in (op(EQUAL, value, 0, 1), op(RETURN, REFUSE | EPERM))]


def when(number: int, argument: int, steps: list[bytes]) -> list[bytes]:
    """`steps` over the low half of an argument of one system call; they must end in an answer."""
    return [op(EQUAL, number, 0, len(steps) + 1), op(LOAD, ARGUMENTS + 8 * argument), *steps]
