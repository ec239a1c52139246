/*
 * The messages between wardend, launcher, monitor, wshd and wsh: frames of attributes.
 *
 * A frame is {u32 length of body, u16 type, u16 zero} and a body; a body is a sequence of attributes
 * {u16 tag, u16 zero, u32 length, bytes}, nested where the tag's comment says so. Integers are little-endian,
 * strings carry no NUL. docs/native.md tells who sends what to whom;
 * packages/server/src/host/linux/wire.ts holds the same numbers, and a test compares the two files.
 */
#ifndef WARDEN_WIRE_H
#define WARDEN_WIRE_H

#define WIRE_VERSION 1
#define WIRE_HEADER_SIZE 8
#define WIRE_ATTRIBUTE_HEADER_SIZE 8
#define WIRE_MAX_BODY (32u << 20)   /* a script may be 16 MiB */
#define WIRE_OUTPUT_CHUNK (256u << 10)

enum wire_type {
	/* requests to the launcher */
	WIRE_HELLO = 1,
	WIRE_CREATE = 2,
	WIRE_FIREWALL = 3,           /* ELEMENT*, CHAIN*; with PROTOCOL, PORT it is answered with LISTENING, and changes nothing when that is 1 */
	WIRE_ABANDON = 4,
	WIRE_DISCARD = 5,
	WIRE_DISK_PREPARE = 6,       /* DISK_KIND, PATH, DISK_IMAGE? */
	WIRE_DISK_MAKE = 7,          /* DISK_KIND, PATH */
	WIRE_QUOTA = 8,              /* PATH, QUOTA_KIND, QUOTA_ID?, BLOCK_LIMIT?, INODE_LIMIT? */
	WIRE_DISK = 9,               /* DISK_KIND, PATH, BYTE_LIMIT? */
	/* requests to a monitor */
	WIRE_SPAWN = 10,
	WIRE_FOLLOW = 11,
	WIRE_FORGET = 12,
	WIRE_LIST = 13,
	WIRE_SIGNAL_ALL = 14,
	WIRE_AWAIT_EMPTY = 15,
	WIRE_DESTROY = 16,           /* IF_EMPTY?, TELL_DEAD? */
	WIRE_WATCH = 17,
	WIRE_SHELL = 18,
	WIRE_KILL_JOB = 19,
	WIRE_INPUT = 20,             /* JOB_ID, CONTENT?, CLOSE_INPUT? */
	WIRE_RESIZE = 21,            /* JOB_ID, ROWS, COLUMNS */
	/* the rest of such a connection belongs to a program in the container, files: FILE_OPERATION, UID, GID, PRIVILEGED | USER_NAME, WORKING_DIRECTORY?, and what the operation wants */
	WIRE_TRANSFER = 22,
	WIRE_CONTENT = 23,           /* between that program and its client, both ways; body: bytes of a file or an archive */
	WIRE_CONTENT_END = 24,       /* no more CONTENT */
	WIRE_NAME = 28,              /* HANDLE, HOSTNAME, UPPER_FILE*: what a container made in advance is called from now on */
	/* requests to the launcher about the bandwidth of a link; SHAPE and READ_SHAPE are answered with INBOUND?, OUTBOUND? as the kernel has them */
	WIRE_SHAPE = 30,             /* HOST_NAME, IFB_NAME, ALIAS?, MTU, RATE, BURST */
	WIRE_READ_SHAPE = 31,        /* HOST_NAME, IFB_NAME, MTU */
	WIRE_UNSHAPE = 32,           /* HOST_NAME?, IFB_NAME */
	/* requests to the launcher about the host's ports */
	WIRE_LISTENING = 33,         /* PROTOCOL, PORT; answered with LISTENING */
	WIRE_FORGET_CONNECTIONS = 34, /* ADDRESS_RANGE*, FORWARDED_PORT* */
	/* the launcher tells by EVENT when somebody else changes the firewall: once, until it is asked again */
	WIRE_WATCH_FIREWALL = 35,    /* TABLE */
	WIRE_READ_LINK = 36,         /* HOST_NAME; what a link has carried, answered with IN_BYTES, IN_PACKETS, OUT_BYTES, OUT_PACKETS */
	WIRE_REMOVE_LINK = 37,       /* HOST_NAME, LINK_INDEX */
	WIRE_DATAGRAM = 38,          /* PATH of a unix socket, or @ and an abstract name; CONTENT */
	/* a copy between host and container: FILE_OPERATION, DIRECTORY, SOURCE, DESTINATION, UID, GID, WORKING_DIRECTORY, OWNER_UID?, OWNER_GID?, ENTRY_LIMIT, BYTE_LIMIT, KEEP_SET_ID?;
	 * answered with ENTRIES, BYTES, SKIPPED, SKIPPED_PATH*; ABANDON with COPY gives it up */
	WIRE_COPY = 40,
	WIRE_COPY_PROGRESS = 41,     /* from the launcher, meanwhile: ENTRIES, BYTES, SKIPPED */
	/* monitor -> wshd, over the SOCK_SEQPACKET pair: one packet is {u16 type, u16 zero, attributes} */
	WIRE_RUN = 40,
	WIRE_SIGNAL = 41,
	WIRE_RENAME = 43,            /* REQUEST, HANDLE, UPPER_FILE*: the title, and files that are there, to be written anew */
	WIRE_CONFIGURE = 42,         /* first of all: PRIVILEGED_CAPABILITIES, FAULT? */
	/* wshd -> monitor */
	WIRE_READY = 50,
	WIRE_RUNNING = 51,
	WIRE_FAILED = 52,
	WIRE_EXITED = 53,
	WIRE_EMPTY = 54,
	WIRE_RENAMED = 55,           /* REQUEST, STATUS: an errno, 0 when it was done; DETAIL? */
	/* monitor -> launcher during a create */
	WIRE_CLONED = 60,
	/* replies */
	WIRE_OK = 100,
	WIRE_ERROR = 101,
	WIRE_OUTPUT = 102,   /* body: u64 position, u32 stream (1 stdout, 2 stderr), data */
	WIRE_EXIT = 103,
	WIRE_EVENT = 104,
	WIRE_DEAD = 105,     /* of a monitor, before its answer to DESTROY with TELL_DEAD: no process of the container is left */
};

enum wire_tag {
	TAG_REQUEST = 1,              /* u32: the reply carries the same */
	TAG_VERSION = 2,              /* u32 */
	TAG_STEP = 3,                 /* string: the step that failed, e.g. "mount overlay" */
	TAG_ERRNO = 4,                /* u32 */
	TAG_DETAIL = 5,               /* string: on what, e.g. a path */
	TAG_PATH = 6,                 /* string */
	TAG_FAULT = 7,                /* nested; only in builds with WARDEN_FAULTS: TAG_STEP and TAG_ERRNO of a step that is to fail */
	TAG_DEADLINE_MS = 8,          /* u32 */

	/* HELLO */
	TAG_DEPOT = 10,               /* string: the directory to lock */
	TAG_MONITOR_PROGRAM = 11,     /* string */
	TAG_WSHD_PROGRAM = 12,        /* string */
	TAG_SECCOMP_PROGRAM = 13,     /* string: file of raw struct sock_filter */
	TAG_OWNER = 14,               /* u32: the pid that holds the lock, in the error of a second wardend */
	TAG_DEVICE_CGROUP = 15,       /* nested, repeated: PATH, VERSION, ALL_DEVICES?: a parent group whose device rules are set once */

	/* CREATE: the description */
	TAG_ID = 20,                  /* string: internal container id */
	TAG_HANDLE = 21,              /* string: only for the title of PID 1 */
	TAG_DIRECTORY = 22,           /* string: the container's directory, which exists */
	TAG_LOWER = 23,               /* string, repeated: root file system layers, topmost first */
	TAG_MOUNT = 24,               /* nested, repeated, in order: SOURCE, DESTINATION, FLAGS */
	TAG_SOURCE = 25,              /* string */
	TAG_DESTINATION = 26,         /* string: inside the root, resolved there only */
	TAG_FLAGS = 27,               /* u32: MOUNT_FLAG_* */
	TAG_UPPER_DIRECTORY = 28,     /* nested, repeated, parents first: PATH, MODE, UID, GID */
	TAG_UPPER_FILE = 29,          /* nested, repeated: PATH, MODE, UID, GID, CONTENT */
	TAG_ACCOUNT_FILE = 30,        /* nested, repeated: PATH, NAME, LINE: the image's file without NAME's lines, plus LINE */
	TAG_MODE = 31,                /* u32 */
	TAG_UID = 32,                 /* u32: as seen in the container */
	TAG_GID = 33,                 /* u32 */
	TAG_CONTENT = 34,             /* bytes */
	TAG_NAME = 35,                /* string */
	TAG_LINE = 36,                /* string without newline */
	TAG_ID_MAP = 37,              /* nested, repeated: INSIDE, OUTSIDE, COUNT; for uids and gids alike */
	TAG_INSIDE = 38,              /* u32 */
	TAG_OUTSIDE = 39,             /* u32 */
	TAG_COUNT = 40,               /* u32 */
	TAG_CGROUP = 41,              /* nested, repeated: PATH, VERSION (1 or 2), SETTING*, USAGE_FILE*, CONTROLLERS? */
	TAG_SETTING = 42,             /* nested: NAME (file), CONTENT (what is written) */
	TAG_HOSTNAME = 43,            /* string */
	TAG_LINK = 44,                /* nested: HOST_NAME ... MTU; absent: a network namespace with lo only */
	TAG_HOST_NAME = 45,           /* string: interface on the host */
	TAG_CONTAINER_NAME = 46,      /* string: interface in the container */
	TAG_HOST_MAC = 47,            /* 6 bytes */
	TAG_CONTAINER_MAC = 48,       /* 6 bytes */
	TAG_HOST_ADDRESS = 49,        /* 4 bytes, network order */
	TAG_CONTAINER_ADDRESS = 50,   /* 4 bytes, network order */
	TAG_PREFIX = 51,              /* u32 */
	TAG_MTU = 52,                 /* u32 */
	TAG_ELEMENT = 53,             /* nested, repeated: OPERATION, FAMILY, TABLE, SET, KEY, KEY_END?, DATA? | JUMP?, ELEMENT_TIMEOUT? */
	TAG_OPERATION = 54,           /* u32: 1 add, 2 delete (absent is no error), 3 add (present is no error) */
	TAG_FAMILY = 55,              /* u32: NFPROTO_* */
	TAG_TABLE = 56,               /* string */
	TAG_SET = 57,                 /* string */
	TAG_KEY = 58,                 /* bytes: concatenated parts, each padded to 4 bytes, as nftables lays them out */
	TAG_DATA = 59,                /* bytes */
	TAG_KEY_END = 60,             /* bytes: end of an interval, in concatenations */
	TAG_SHM_SIZE = 61,            /* u64, bytes */
	TAG_PING_GROUPS = 62,         /* string: value for net.ipv4.ping_group_range */
	TAG_PRIVILEGED_CAPABILITIES = 63, /* u64: bit set of what a privileged job keeps */
	TAG_USER = 64,                /* nested, repeated: NAME, UID, GID, PRIVILEGED, WORKING_DIRECTORY, ENVIRONMENT*: for SHELL by NAME */
	TAG_SYSLOG_SOCKET = 66,       /* string: on the host, where lines of jobs with LOG_TAG go; may be missing */

	/* jobs */
	TAG_JOB = 80,                 /* u32; nested in the reply to LIST: JOB_ID, STATE, POSITION, PID, STARTED_MS, COMMAND?, EXIT_KIND?, EXIT_VALUE?, OUTPUT_CUT?, TIMED_OUT?, OUT_OF_MEMORY?, ENDED_MS? */
	TAG_JOB_ID = 81,              /* u32 */
	TAG_ARGUMENT = 82,            /* string, repeated */
	TAG_ENVIRONMENT = 83,         /* string NAME=value, repeated */
	TAG_SCRIPT = 84,              /* bytes: the job's standard input */
	TAG_WORKING_DIRECTORY = 85,   /* string */
	TAG_PRIVILEGED = 86,          /* u32: 1 = the privileged profile */
	TAG_RLIMIT = 87,              /* nested, repeated: RESOURCE, SOFT, HARD */
	TAG_RESOURCE = 88,            /* u32: RLIMIT_* */
	TAG_SOFT = 89,                /* u64 */
	TAG_HARD = 90,                /* u64 */
	TAG_OUTPUT_LIMIT = 91,        /* u64, bytes of both streams; 2^64-1: none */
	TAG_DISCARD = 92,             /* u32: 1 = keep nothing */
	TAG_FOLLOW_OUTPUT = 93,       /* u32: 1 = SPAWN goes on as FOLLOW from position 0 */
	TAG_POSITION = 94,            /* u64: bytes of output before this point */
	TAG_STATE = 95,               /* u32: 1 running, 2 ended */
	TAG_EXIT_KIND = 96,           /* u32: 1 exited, 2 signalled, 3 lost */
	TAG_EXIT_VALUE = 97,          /* u32: status or signal */
	TAG_PID = 98,                 /* u32: as the sender sees it; of a job, as its container does */
	TAG_STATUS = 99,              /* u32: a wait status */
	TAG_SIGNAL = 100,             /* u32 */
	TAG_EVENT = 101,              /* u32: EVENT_* */
	TAG_ROWS = 102,               /* u32 */
	TAG_COLUMNS = 103,            /* u32 */
	TAG_TERMINAL = 104,           /* u32: 1 = job gets a pty */
	TAG_JOB_CGROUP = 105,         /* u32: 1 = descriptors of the job's cgroup come with RUN */
	TAG_OPEN_INPUT = 106,         /* u32: 1 = standard input stays open for INPUT; not together with SCRIPT */
	TAG_TIMEOUT_MS = 107,         /* u64: the job is killed when it has run that long, on the monotonic clock */
	TAG_CLOSE_INPUT = 108,        /* u32: 1 = standard input ends after CONTENT */
	TAG_TIMED_OUT = 109,          /* u32: 1 = it was TIMEOUT_MS that ended the job */
	TAG_LOG_TAG = 110,            /* string: the job's lines also go to syslog, as warden.LOG_TAG; letters, digits, `.`, `_` and `-`, at most 64 */
	TAG_TIME_ZONE = 111,          /* string: TZ of POSIX for the time in those lines, which is local by RFC 3164 */
	TAG_OUTPUT_CUT = 120,         /* u32: 1 = not all of the job's output was kept: EVENT_OUTPUT_LIMIT was told for it */
	TAG_USER_NAME = 130,          /* string: a name of the container's own /etc/passwd, or UID or UID:GID */
	TAG_STARTED_MS = 131,         /* u64: wall clock, milliseconds since the epoch */
	TAG_ENDED_MS = 132,           /* u64: the same */
	TAG_COMMAND = 133,            /* string: at most 256 bytes to show to people; the monitor only keeps it */
	TAG_NO_WAIT = 134,            /* u32: 1 = FOLLOW ends after what is there now, with an EXIT without kind when the job runs */
	TAG_REQUIRE_DIRECTORY = 135,  /* u32: 1 = a WORKING_DIRECTORY that the job cannot enter is an error; else it starts in the root */
	TAG_OUT_OF_MEMORY = 140,      /* u32: 1 = EVENT_OUT_OF_MEMORY had been told when the job ended */

	/* DISK_PREPARE, DISK_MAKE, DISK and its reply, which has BYTES_USED and perhaps INODES_USED, too */
	TAG_DISK_DIRECTORY = 150,     /* string, in CREATE: holds upper and work of the overlay; absent: the container's own directory */
	TAG_DISK_KIND = 151,          /* u32: DISK_* */
	TAG_DISK_IMAGE = 152,         /* string: file of a file system */
	TAG_BYTE_LIMIT = 153,         /* u64; 0: none */
	TAG_DISK_GROUP = 154,         /* string: directory in /sys whose files tell what a disk uses at any moment; absent: there is none */

	/* QUOTA, and its reply */
	TAG_QUOTA_KIND = 161,         /* u32: QUOTA_*; in CREATE: the upper layer is to be limited so */
	TAG_QUOTA_ID = 162,           /* u32: user or project; absent: the project that PATH belongs to */
	TAG_BLOCK_LIMIT = 163,        /* u64: blocks of 1024 bytes; 0: none */
	TAG_INODE_LIMIT = 164,        /* u64; 0: none */
	TAG_BYTES_USED = 165,         /* u64 */
	TAG_INODES_USED = 166,        /* u64 */
	TAG_QUOTA_ENFORCED = 167,     /* u32: 1 = writes beyond a limit fail; 0 = they are only counted */

	/* bandwidth */
	TAG_IFB_NAME = 170,           /* string: interface on the host that shapes what comes from the container */
	TAG_RATE = 171,               /* u64: bytes per second, 1 to 2^40 */
	TAG_BURST = 172,              /* u64: bytes, 1 to 2^31 */
	TAG_INBOUND = 173,            /* nested: RATE, BURST in force for what goes to the container; absent: no limit */
	TAG_OUTBOUND = 174,           /* nested: the same for what comes from it */
	TAG_ALIAS = 175,              /* string: alias of the ifb, to know whose it is */

	/* firewall */
	TAG_CHAIN = 180,              /* nested, repeated: OPERATION (1 add these rules to it, 2 delete, 3 make it have these rules), FAMILY, TABLE, NAME, RULE_GONE*, (RULE, RULE_NOTE?)* */
	TAG_RULE = 181,               /* bytes, repeated, in order: the contents of NFTA_RULE_EXPRESSIONS */
	TAG_RULE_NOTE = 280,          /* bytes: those of NFTA_RULE_USERDATA, of the RULE before it */
	TAG_RULE_GONE = 281,          /* bytes, repeated, of a chain to add to: the RULE_NOTE of one that it has, and is to lose */
	TAG_JUMP = 182,               /* string, in ELEMENT of a verdict map: the chain that is jumped to */
	TAG_ELEMENT_TIMEOUT = 206,    /* u64, in ELEMENT of a set with time-outs: milliseconds, 1 to a day's, after which the kernel takes it away */

	/* the host's ports, and connections to them and to containers */
	TAG_PROTOCOL = 190,           /* u32: IPPROTO_TCP or IPPROTO_UDP */
	TAG_PORT = 191,               /* u32: 1 to 65535 */
	TAG_LISTENING = 192,          /* u32: 1 = a socket of the host has that port */
	TAG_ADDRESS_RANGE = 193,      /* 8 bytes, repeated: first and last address, network order */
	TAG_FORWARDED_PORT = 194,     /* nested, repeated: PROTOCOL, PORT, ADDRESS? */
	TAG_ADDRESS = 195,            /* 4 bytes, network order */

	/* EVENT_FIREWALL_CHANGED: who did it, when that is one that is known */
	TAG_AUTHOR_PORT = 200,        /* u32: netlink's number of its socket, mostly the process id that it has for itself */
	TAG_AUTHOR_PID = 201,         /* u32: its process id outside of all namespaces */
	TAG_AUTHOR_NAME = 202,        /* string: its name */

	/* READ_LINK's reply, where inbound is to the container, and REMOVE_LINK */
	TAG_IN_BYTES = 210,           /* u64 */
	TAG_IN_PACKETS = 211,         /* u64 */
	TAG_OUT_BYTES = 212,          /* u64 */
	TAG_OUT_PACKETS = 213,        /* u64 */
	TAG_HOOK = 241,               /* nested, in CREATE, repeated, in order: HOOK_POINT, ARGUMENT* (the first is the program's path on the host), TIMEOUT_MS */
	TAG_HOOK_POINT = 242,         /* u32: HOOK_* */
	TAG_HOOK_INPUT = 243,         /* bytes, in CREATE: the JSON object that hooks get, to which hook, pid and root are added */
	TAG_NESTED = 248,             /* u32, in CREATE and CONFIGURE: 1 = a wardend can run in it: without a user namespace of its own and without most of the confinement (monitor/nested.h) */
	TAG_CONTROLLERS = 249,        /* string, in CGROUP with NESTED: those of a version 1 hierarchy, with commas between them; empty for version 2 */
	TAG_ALL_DEVICES = 250,        /* u32, in DEVICE_CGROUP: 1 = every device, also to make nodes of it */
	TAG_REFUSE_SET_ID = 240,      /* u32, in CONFIGURE: 1 = nobody in the container may make files with the set-user-id or set-group-id bit */
	TAG_LINK_INDEX = 214,         /* u32: number of an interface on the host, which is not given again soon */

	/* COPY, its progress and its reply; the first ones go on to the container's end by TRANSFER */
	TAG_COPY = 220,               /* u32, in ABANDON in place of ID: the REQUEST of a copy */
	TAG_KEEP_SET_ID = 221,        /* u32: 1 = set-user-id and set-group-id bits are copied, too */
	TAG_ENTRIES = 222,            /* u64: entries that were made */
	TAG_BYTES = 223,              /* u64: bytes that were written */
	TAG_SKIPPED = 224,            /* u64: devices, sockets and FIFOs that were left out */
	TAG_SKIPPED_PATH = 225,       /* bytes, repeated: the first of their paths, from the source on */
	TAG_OWNER_UID = 226,          /* u32: of the host, whom copies belong to there */
	TAG_OWNER_GID = 227,          /* u32 */
	TAG_WRITABLE_DIRECTORY = 228, /* bytes, repeated: device and inode number (u64 each) of a directory of the host that a container can write to: no link below it is followed; empty: no link anywhere */

	/* TRANSFER, and what the program answers */
	TAG_FORGET_UP_TO = 270,       /* u64, in SPAWN that follows: with its EXIT the job is forgotten, unless it has more bytes of output */
	TAG_FORGOTTEN = 271,          /* u32, in EXIT: 1 = it was */
	TAG_LAST = 272,               /* u32, in EXITED: 1 = it was the last child; says what EMPTY says */
	TAG_OUTPUT_UP_TO = 330,       /* u64, in FOLLOW and in SPAWN that follows: output that begins there or later is passed over */
	TAG_ONLY_STREAM = 331,        /* u32, in FOLLOW: 1 stdout, 2 stderr; what the other one has is passed over */
	TAG_STDOUT_BYTES = 332,       /* u64, in EXIT when the job has more output than OUTPUT_UP_TO: of it all */
	TAG_STDERR_BYTES = 333,       /* u64 */
	TAG_USAGE_FILE = 273,         /* string, in CGROUP, repeated: a file of the group whose text comes with EXIT */
	TAG_LOCALE_ARCHIVE = 325,     /* string, in HELLO: file that is at lib/locale/locale-archive of the server's additions to the host's /usr */
	TAG_USAGE = 274,              /* bytes, in EXIT of a FOLLOW, repeated: such a file's name, a NUL, and its text at that moment */
	TAG_IF_EMPTY = 275,           /* u32, in DESTROY: 1 = only if no process but PID 1 is there, else ERROR EBUSY */
	TAG_TELL_DEAD = 276,          /* u32, in DESTROY: 1 = say DEAD first */
	TAG_FILES_PROGRAM = 230,      /* string, in HELLO: the program that works on a container's files */
	TAG_FILE_OPERATION = 231,     /* u32: FILE_* */
	TAG_LENGTH = 232,             /* u64: bytes */
	TAG_ENTRY = 233,              /* nested, repeated: NAME?, ENTRY_KIND, MODE, UID, GID, COUNT (of hard links), FILE_SIZE, MODIFIED_NS, TARGET? */
	TAG_ENTRY_KIND = 234,         /* u32: ENTRY_* */
	TAG_FILE_SIZE = 235,          /* u64: bytes */
	TAG_MODIFIED_NS = 236,        /* u64: nanoseconds since the epoch; before it 2^64 less */
	TAG_TARGET = 237,             /* string: of a symbolic link, or the new path of RENAME */
	TAG_TRANSFER_FLAGS = 238,     /* u32: TRANSFER_FLAG_* */
	TAG_ENTRY_LIMIT = 239,        /* u64 */
	TAG_PLAIN = 305,              /* u32, in CONFIGURE: 1 = jobs are plain processes of wshd's own user: no namespaces, no filter, no change of identity (plain/main.c) */
	TAG_PROCESS = 300,            /* nested, repeated: PID, PARENT_PID, UID, PROCESS_STATE, COUNT (of threads), CPU_TIME_MS, BYTES (resident), STARTED_MS, NAME (bytes), COMMAND_LINE? */
	TAG_PARENT_PID = 301,         /* u32: 0 = not of the container */
	TAG_PROCESS_STATE = 302,      /* u32: the letter of proc(5) */
	TAG_CPU_TIME_MS = 303,        /* u64: in user and kernel mode together */
	TAG_COMMAND_LINE = 304,       /* bytes: arguments with a NUL between them, the first 1024 bytes of it all */
};

enum { QUOTA_USER = 1, QUOTA_PROJECT = 2 };
enum {
	MOUNT_FLAG_READ_ONLY = 1,
	MOUNT_FLAG_RECURSIVE = 2,
	MOUNT_FLAG_NO_LINKS = 4,   /* SOURCE was resolved: a symbolic link on the way is an error */
	MOUNT_FLAG_FILE = 8,       /* SOURCE was a regular file: where it can the launcher passes its directory, of which the file is taken */
	MOUNT_FLAG_HOST_IDS = 16,  /* ids are not mapped: what the container does not have belongs to nobody there */
	MOUNT_FLAG_ADDITIONS = 64, /* of a read-only directory, the host's /usr: what the server adds is seen where the directory has nothing of that name */
	MOUNT_FLAG_ROOTS_ONLY = 32, /* the same unless the tree's root belongs to the host's root */
};
enum { HOOK_PARENT_BEFORE_CLONE = 1, HOOK_PARENT_AFTER_CLONE = 2, HOOK_CHILD_BEFORE_PIVOT = 3, HOOK_CHILD_AFTER_PIVOT = 4 };
enum { ELEMENT_ADD = 1, ELEMENT_DELETE = 2, ELEMENT_ENSURE = 3 };
enum {
	FILE_COPY_IN = 1,
	FILE_COPY_OUT = 2,
	FILE_READ = 10,
	FILE_WRITE = 11,
	FILE_LIST = 12,
	FILE_STAT = 13,
	FILE_MAKE_DIRECTORY = 14,
	FILE_REMOVE = 15,
	FILE_RENAME = 16,
	FILE_TAR_IN = 17,
	FILE_TAR_OUT = 18,
	FILE_PROCESSES = 19,
};
enum { ENTRY_FILE = 1, ENTRY_DIRECTORY = 2, ENTRY_LINK = 3, ENTRY_OTHER = 4 };
enum {
	TRANSFER_FLAG_NO_FOLLOW = 1,   /* STAT: of a link itself */
	TRANSFER_FLAG_RECURSIVE = 2,   /* REMOVE, MAKE_DIRECTORY: with what is in it, or with its parents */
	TRANSFER_FLAG_FORCE = 4,       /* REMOVE, MAKE_DIRECTORY: what is not there, or is there already, is no error */
	TRANSFER_FLAG_CREATE = 8,      /* WRITE: a file that is not there is made */
	TRANSFER_FLAG_EXCLUSIVE = 16,  /* WRITE: one that is there is an error */
	TRANSFER_FLAG_APPEND = 32,     /* WRITE: at the end; RENAME never replaces with EXCLUSIVE */
	TRANSFER_FLAG_TRUNCATE = 64,   /* WRITE: what was in it goes */
	TRANSFER_FLAG_KEEP_SETID = 128, /* TAR_IN, TAR_OUT */
	TRANSFER_FLAG_KEEP_OWNER = 256, /* TAR_IN by root: ids of the archive */
};
enum { DISK_BTRFS = 1, DISK_IMAGE = 2 };
enum { STREAM_STDOUT = 1, STREAM_STDERR = 2 };
enum { JOB_RUNNING = 1, JOB_ENDED = 2 };
enum { EXIT_EXITED = 1, EXIT_SIGNALLED = 2, EXIT_LOST = 3 };
enum {
	EVENT_OUTPUT_LIMIT = 1,   /* JOB_ID: command exceeded maximum output */
	EVENT_WSHD_DIED = 2,      /* STATUS */
	EVENT_JOB_ENDED = 3,      /* JOB_ID, EXIT_KIND, EXIT_VALUE, TIMED_OUT?, OUTPUT_CUT?, OUT_OF_MEMORY? */
	EVENT_RLIMIT_CLAMPED = 4, /* JOB_ID, RESOURCE, HARD: what is in force */
	EVENT_RECORD_FAILED = 5,  /* JOB_ID, ERRNO: the exit record could not be written; after a restart the job will have been lost */
	EVENT_JOB_TIMED_OUT = 6,  /* JOB_ID: it has run for its TIMEOUT_MS and is being killed */
	EVENT_OUT_OF_MEMORY = 7,  /* the OOM killer took a process of the container, for the first time */
	EVENT_FIREWALL_CHANGED = 200, /* from the launcher: AUTHOR_PORT?, AUTHOR_PID?, AUTHOR_NAME? */
};

#endif
