#!/usr/bin/env python3
"""Writes vectors.json: every message of the Warden protocol as bytes, made by hand.

The first table below is what clients since 2012 put on the wire, and it is frozen; the second holds the additions, numbered
from 1000 up. This encoder shares no code and no .proto
file with packages/protocol, so that the two can only agree by both being right.

For each message: `full` (every field), `minimal` (required fields only), `extended` (full, with fields no version
knows yet behind and between, to be ignored), and `missing` (full without one required field, for each); `added` (full, and
every addition) for frozen messages that have additions, and all but that for messages that are additions themselves; `traced` for requests whose envelope carries a traceparent.

Values in vectors.json are plain, but {"uint64": "…"} and {"bytes": "<hex>"}.
Usage: ./make.py > vectors.json
"""
import json
import re
import sys

TYPES = {
    "Error": 1, "Create": 11, "Stop": 12, "Destroy": 13, "Info": 14, "Spawn": 21, "Link": 22, "Run": 23, "Stream": 24,
    "NetIn": 31, "NetOut": 32, "CopyIn": 41, "CopyOut": 42, "LimitMemory": 51, "LimitDisk": 52, "LimitBandwidth": 53,
    "LimitCpu": 54, "Ping": 91, "List": 92, "Echo": 93,
}
ENUMS = {"Mode": {"RO": 0, "RW": 1}, "Protocol": {"TCP": 0, "UDP": 1, "ICMP": 2, "ALL": 3}, "PortProtocol": {"TCP": 0, "UDP": 1}, "Pull": {"MISSING": 0, "ALWAYS": 1, "NEVER": 2},
         "Point": {"PARENT_BEFORE_CLONE": 0, "PARENT_AFTER_CLONE": 1, "CHILD_BEFORE_PIVOT": 2, "CHILD_AFTER_PIVOT": 3}}

JOB = "r handle string 1, r script string 2, o privileged bool 3, o rlimits ResourceLimits 4, o discard_output bool 5, o log_tag string 6"
JOB_ID = "r handle string 1, r job_id uint32 2"
RESULT = "o exit_status uint32 1, o stdout bytes 2, o stderr bytes 3, o info InfoResponse 4"
HANDLE = "r handle string 1"
DISK = ", ".join(f"o {name} uint64 {number}" for name, number in [
    ("block_limit", 10), ("block", 11), ("block_soft", 12), ("block_hard", 13),
    ("inode_limit", 20), ("inode", 21), ("inode_soft", 22), ("inode_hard", 23),
    ("byte_limit", 30), ("byte", 31), ("byte_soft", 32), ("byte_hard", 33)])


def counters(names, start=1):
    return ", ".join(f"o {name} uint64 {number}" for number, name in enumerate(names.split(), start))


MESSAGES = {
    "ErrorResponse": "o message string 2, * backtrace string 3, o data string 4",
    "CreateRequest": "* bind_mounts BindMount 1, o grace_time uint32 2, o handle string 3, o network string 4, o rootfs string 5",
    "BindMount": "r src_path string 1, r dst_path string 2, r mode Mode 3",
    "CreateResponse": HANDLE,
    "StopRequest": HANDLE + ", o background bool 10, o kill bool 20",
    "StopResponse": "",
    "DestroyRequest": HANDLE,
    "DestroyResponse": "",
    "InfoRequest": HANDLE,
    "InfoResponse": "o state string 10, * events string 20, o host_ip string 30, o container_ip string 31, o container_path string 32, "
                    "o memory_stat MemoryStat 40, o cpu_stat CpuStat 41, o disk_stat DiskStat 42, o bandwidth_stat BandwidthStat 43, * job_ids uint64 44",
    "MemoryStat": counters(
        "cache rss mapped_file pgpgin pgpgout swap pgfault pgmajfault inactive_anon active_anon inactive_file active_file unevictable "
        "hierarchical_memory_limit hierarchical_memsw_limit total_cache total_rss total_mapped_file total_pgpgin total_pgpgout total_swap "
        "total_pgfault total_pgmajfault total_inactive_anon total_active_anon total_inactive_file total_active_file total_unevictable"),
    "CpuStat": counters("usage user system"),
    "DiskStat": counters("bytes_used inodes_used"),
    "BandwidthStat": counters("in_rate in_burst out_rate out_burst"),
    "SpawnRequest": JOB,
    "SpawnResponse": "r job_id uint32 1",
    "LinkRequest": JOB_ID,
    "LinkResponse": RESULT,
    "RunRequest": JOB,
    "RunResponse": RESULT,
    "StreamRequest": JOB_ID,
    "StreamResponse": "o name string 1, o data bytes 2, o exit_status uint32 3, o info InfoResponse 4",
    "NetInRequest": HANDLE + ", o container_port uint32 2, o host_port uint32 3",
    "NetInResponse": "r host_port uint32 1, r container_port uint32 2",
    "NetOutRequest": HANDLE + ", o network string 2, o port uint32 3, o port_range string 4, o protocol Protocol 5, o icmp_type int32 6, "
                     "o icmp_code int32 7, o log bool 8",
    "NetOutResponse": "",
    "CopyInRequest": HANDLE + ", r src_path string 2, r dst_path string 3",
    "CopyInResponse": "",
    "CopyOutRequest": HANDLE + ", r src_path string 2, r dst_path string 3, o owner string 4",
    "CopyOutResponse": "",
    "LimitMemoryRequest": HANDLE + ", o limit_in_bytes uint64 2",
    "LimitMemoryResponse": "o limit_in_bytes uint64 1",
    "LimitCpuRequest": HANDLE + ", o limit_in_shares uint64 2",
    "LimitCpuResponse": "o limit_in_shares uint64 1",
    "LimitBandwidthRequest": HANDLE + ", r rate uint64 2, r burst uint64 3",
    "LimitBandwidthResponse": "r rate uint64 1, r burst uint64 2",
    "LimitDiskRequest": HANDLE + ", " + DISK,
    "LimitDiskResponse": DISK,
    "EchoRequest": "r message string 1",
    "EchoResponse": "r message string 1",
    "ListRequest": "",
    "ListResponse": "* handles string 1",
    "PingRequest": "",
    "PingResponse": "",
    "ResourceLimits": counters("as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio sigpending stack"),
}


ADDED_TYPES = {"Input": 1001, "Resize": 1002, "Signal": 1003, "Jobs": 1004, "Logs": 1005}
IMAGE_TYPES = {"ImageImport": 1020, "ImagePull": 1021, "ImageList": 1022, "ImageInspect": 1023, "ImageRemove": 1024, "RootfsList": 1025, "RootfsSet": 1026}
FILE_TYPES = {"ReadFile": 1010, "WriteFile": 1011, "TransferData": 1012, "ListFiles": 1013, "StatFile": 1014, "MakeDirectory": 1015, "RemoveFile": 1016,
              "RenameFile": 1017, "TarIn": 1018, "TarOut": 1019}
EVENT_TYPES = {"Events": 1030}
PROCESS_TYPES = {"Processes": 1032}
PIDS_TYPES = {"LimitPids": 1036}

ADDED_JOB = ("* env string 1000, o cwd string 1001, * args string 1002, o stdin bool 1003, o tty Terminal 1004, o timeout_ms uint64 1005, "
             "o user string 1006")
ADDED_CPU = "o quota_in_us uint64 1000, o period_in_us uint64 1001, o cpus string 1002"
ADDED_END = "o signal uint32 1001, o timed_out bool 1002, o lost bool 1003"

# Fields that frozen messages have got since.
ADDED_FIELDS = {
    "SpawnRequest": ADDED_JOB,
    "RunRequest": ADDED_JOB,
    "LinkResponse": ADDED_END,
    "RunResponse": ADDED_END,
    "StreamResponse": ADDED_END,
}

# Those that came later: their vectors are the last ones, so that no earlier vector changes.
LATER_FIELDS = {
    "LimitCpuRequest": ADDED_CPU,
    "LimitCpuResponse": ADDED_CPU,
    "InfoResponse": "o disk_backend string 1000, o pids_stat PidsStat 1010, * net_out NetOutRule 1020, * net_in NetInMapping 1021, o network_stat NetworkStat 1022, "
                    "* bind_mounts BindMount 1030",
    "NetOutRequest": "o remove bool 1000, o domain string 1001",
    "NetInRequest": "o protocol PortProtocol 1000, o remove bool 1001",
}

# Those of images, later still.
IMAGE_FIELDS = {
    "CreateRequest": "* hooks Hook 1000, o pull Pull 1010, o registry_auth RegistryAuth 1011",
}

COPIED = "o progress CopyCounts 1000, o made uint64 1001, o bytes uint64 1002, o skipped uint64 1003, * skipped_paths string 1004"
COPY_WISHES = "o progress bool 1000, o keep_set_id bool 1001"
COPY_FIELDS = {"CopyInRequest": COPY_WISHES, "CopyInResponse": COPIED, "CopyOutRequest": COPY_WISHES, "CopyOutResponse": COPIED}

IMAGE_MESSAGES = {
    "RegistryAuth": "o username string 1, o password string 2, o identity_token string 3",
    "ImageProgress": "o item string 1, o step string 2, o done_bytes uint64 3, o total_bytes uint64 4, o layers uint32 5",
    "ImageLayer": "o diff_id string 1, o size_bytes uint64 2",
    "ImageSummary": "o id string 1, * names string 2, o size_bytes uint64 3, o created_ms uint64 4, * layers ImageLayer 5, o containers uint32 6",
    "ImageImportRequest": "r path string 1, o name string 2, o progress bool 3",
    "ImageImportResponse": "o progress ImageProgress 1, * images ImageSummary 2",
    "ImagePullRequest": "r reference string 1, o auth RegistryAuth 2, o progress bool 3, o platform string 4",
    "ImagePullResponse": "o progress ImageProgress 1, o image ImageSummary 2, o manifest_digest string 3",
    "ImageListRequest": "",
    "ImageListResponse": "* images ImageSummary 1",
    "ImageInspectRequest": "r name string 1",
    "ImageInspectResponse": "o image ImageSummary 1, o config string 2, o source string 3, o manifest_digest string 4",
    "ImageRemoveRequest": "r name string 1",
    "ImageRemoveResponse": "* untagged string 1, o removed string 2",
    "NamedRootfs": "o name string 1, o path string 2",
    "RootfsListRequest": "",
    "RootfsListResponse": "* rootfs NamedRootfs 1",
    "RootfsSetRequest": "r name string 1, o path string 2, o remove bool 3",
    "RootfsSetResponse": "",
}

FILE_MESSAGES = {
    "FileEntry": "o name bytes 1, r kind string 2, r mode uint32 3, r uid uint32 4, r gid uint32 5, r size_in_bytes uint64 6, r modified_ns uint64 7, r hard_links uint32 8, o target bytes 9",
    "ReadFileRequest": "r handle string 1, r path bytes 2, o user string 3, o offset uint64 4, o length uint64 5",
    "ReadFileResponse": "o entry FileEntry 1, o data bytes 2, o last bool 3",
    "WriteFileRequest": "r handle string 1, r path bytes 2, o user string 3, o mode uint32 4, o append bool 5, o exclusive bool 6, o offset uint64 7, o data bytes 8, o transfer_id uint32 9",
    "WriteFileResponse": "o size_in_bytes uint64 1",
    "TransferDataRequest": "r transfer_id uint32 1, o data bytes 2, o last bool 3, o abandon bool 4",
    "TransferDataResponse": "o size_in_bytes uint64 1, o entries uint64 2, * notes string 3",
    "ListFilesRequest": "r handle string 1, r path bytes 2, o user string 3, o limit uint64 4",
    "ListFilesResponse": "* entries FileEntry 1, o last bool 2, o more bool 3",
    "StatFileRequest": "r handle string 1, r path bytes 2, o user string 3, o no_follow bool 4",
    "StatFileResponse": "r entry FileEntry 1",
    "MakeDirectoryRequest": "r handle string 1, r path bytes 2, o user string 3, o mode uint32 4, o parents bool 5",
    "MakeDirectoryResponse": "",
    "RemoveFileRequest": "r handle string 1, r path bytes 2, o user string 3, o recursive bool 4, o force bool 5",
    "RemoveFileResponse": "",
    "RenameFileRequest": "r handle string 1, r path bytes 2, r new_path bytes 3, o user string 4, o exclusive bool 5",
    "RenameFileResponse": "",
    "TarInRequest": "r handle string 1, r path bytes 2, o user string 3, r transfer_id uint32 4, o keep_setid bool 5, o keep_owner bool 6",
    "TarInResponse": "",
    "TarOutRequest": "r handle string 1, r path bytes 2, o user string 3, o name bytes 4, o keep_setid bool 5",
    "TarOutResponse": "o data bytes 1, o last bool 2, o entries uint64 3, * notes string 4",
}

ADDED_MESSAGES = {
    "Hook": "r point Point 1, r program string 2, * args string 3, o timeout_ms uint64 4",
    "NetOutRule": "o network string 2, o port uint32 3, o port_range string 4, o protocol Protocol 5, o icmp_type int32 6, o icmp_code int32 7, o log bool 8, "
    "o domain string 1001",
    "PidsStat": "o current uint64 1, o max uint64 2",
    "NetworkStat": "o in_bytes uint64 1, o in_packets uint64 2, o out_bytes uint64 3, o out_packets uint64 4",
    "NetInMapping": "o host_port uint32 1, o container_port uint32 2, o protocol PortProtocol 3",
    "Terminal": "r rows uint32 1, r columns uint32 2, o term string 3",
    "InputRequest": JOB_ID + ", o data bytes 3, o close bool 4",
    "InputResponse": "",
    "ResizeRequest": JOB_ID + ", r rows uint32 3, r columns uint32 4",
    "ResizeResponse": "",
    "SignalRequest": JOB_ID + ", r signal uint32 3",
    "SignalResponse": "",
    "JobsRequest": HANDLE,
    "JobsResponse": "* jobs Job 1",
    "Job": "r id uint32 1, r state string 2, o command string 3, o started_ms uint64 4, o ended_ms uint64 5, o exit_status uint32 6, "
           "o signal uint32 7, o timed_out bool 8, o output_bytes uint64 9, o pid uint32 10, o lost bool 11",
    "LogsRequest": JOB_ID + ", o since_byte uint64 3, o follow bool 4",
    "LogsResponse": "o name string 1, o data bytes 2, o exit_status uint32 3, o position uint64 1000, " + ADDED_END + ", o last bool 1004",
    **IMAGE_MESSAGES,
    **FILE_MESSAGES,
    "EventsRequest": "o handle string 1",
    "EventsResponse": "r kind string 1, r time_ms uint64 2, o handle string 3, o event string 4, o job_id uint32 5, o exit_status uint32 6, o signal uint32 7, "
                      "o timed_out bool 8, o lost bool 9, o missed uint32 10",
    "ProcessesRequest": HANDLE,
    "ProcessesResponse": "* processes Process 1, o more bool 2",
    "Process": "r pid uint32 1, r parent_pid uint32 2, r uid uint32 3, r state string 4, o threads uint32 5, o cpu_time_ms uint64 6, o resident_bytes uint64 7, o started_ms uint64 8, "
               "o name bytes 9, o command_line bytes 10",
    "Label": "r key string 1, r value string 2",
    "LabelFilter": "r key string 1, o value string 2",
    "ContainerSummary": "r handle string 1, r state string 2, o container_ip string 3, * labels Label 4, o created_ms uint64 5, o ttl_left_ms uint64 6, o rootfs string 7, "
                        "* net_in NetInMapping 8, o jobs uint32 9",
    "LimitPidsRequest": HANDLE + ", o limit uint64 2",
    "LimitPidsResponse": "o limit uint64 1",
    "CopyCounts": "o made uint64 1, o bytes uint64 2, o skipped uint64 3",
}


# Labels, time to live and the longer list.
LABEL_FIELDS = {
    "CreateRequest": "* labels Label 1030, o ttl uint32 1031",
    "InfoResponse": "* labels Label 1040, o ttl_left_ms uint64 1041, o created_ms uint64 1042",
    "ListRequest": "* labels LabelFilter 1000, o details bool 1001",
    "ListResponse": "* containers ContainerSummary 1002",
}

# Pages of the list.
PAGE_FIELDS = {
    "ListRequest": "o limit uint32 1005, o after string 1006",
    "ListResponse": "o next string 1007",
}

ALL_FIELDS = [ADDED_FIELDS, LATER_FIELDS, IMAGE_FIELDS, COPY_FIELDS, LABEL_FIELDS, PAGE_FIELDS]


def parse(text):
    rows = [entry.split() for entry in text.split(", ")] if text else []
    return [(rule, name, kind, int(number)) for rule, name, kind, number in rows]


def fields_of(message):
    return parse(MESSAGES.get(message, ADDED_MESSAGES.get(message)))


def added_to(message):
    return parse(", ".join(text for text in [fields.get(message) for fields in ALL_FIELDS] if text))


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(number, wire_type):
    return varint(number << 3 | wire_type)


def delimited(number, data):
    return tag(number, 2) + varint(len(data)) + data


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


seed = 0


def sample(kind, name):
    """A value of that kind: (as it stands in JSON, bytes on the wire behind the tag's number)."""
    global seed
    seed += 1
    if kind == "string":
        text = {"name": "stdout"}.get(name, f"{name} {seed} – ünï ✓ \U0001F980")
        return text, lambda number: delimited(number, text.encode())
    if kind == "bytes":
        data = bytes(range(256)) + name.encode()
        return {"bytes": data.hex()}, lambda number: delimited(number, data)
    if kind == "bool":
        return True, lambda number: tag(number, 0) + varint(1)
    if kind == "uint32":
        value = 0xFFFFFFFF if seed % 2 else 300 + seed
        return value, lambda number: tag(number, 0) + varint(value)
    if kind == "int32":
        value = -1 if seed % 2 else 8
        return value, lambda number: tag(number, 0) + varint(value)
    if kind == "uint64":
        value = [(1 << 64) - 1, (1 << 53) + 1, 9223372036854771712, seed][seed % 4]
        return {"uint64": str(value)}, lambda number: tag(number, 0) + varint(value)
    if kind in ENUMS:
        value = max(ENUMS[kind].values())
        return value, lambda number: tag(number, 0) + varint(value)
    plain, data = build(kind)
    return plain, lambda number: delimited(number, data)


def unknown(first):
    """Fields of a version to come, one of each wire type, a group with a group in it among them."""
    return (tag(first, 0) + varint((1 << 64) - 1) + delimited(first + 1, b"addition") + tag(first + 2, 1) + bytes(8) + tag(first + 3, 5) + bytes(4)
            + tag(first + 4, 3) + tag(1, 3) + tag(2, 0) + b"\x07" + tag(1, 4) + tag(first + 4, 4))


def first_unknown(message):
    """Behind the numbers that the message has: 1000 unless there are additions."""
    return 1000 if all(number < 1000 for _, _, _, number in fields_of(message) + added_to(message)) else 2000


def build(message, leave_out=None, only_required=False, extended=False, added=False):
    plain, data = {}, b""
    for at, (rule, name, kind, number) in enumerate(fields_of(message) + added_to(message)):
        if number >= 1000 and any(message in fields for fields in ALL_FIELDS) and not added:
            if rule == "*":
                plain[camel(name)] = []
            continue
        if name == leave_out:
            continue
        if only_required and rule != "r":
            if rule == "*":
                plain[camel(name)] = []
            continue
        values = [sample(kind, name) for _ in range(2 if rule == "*" else 1)]
        plain[camel(name)] = [value for value, _ in values] if rule == "*" else values[0][0]
        if extended:
            data += unknown(first_unknown(message) + 10 * at)
        data += b"".join(encode(number) for _, encode in values)
    if extended:
        data += unknown(first_unknown(message) + 500)
    return plain, data


def frame(type_number, payload):
    envelope = tag(1, 0) + varint(type_number) + delimited(2, payload)
    return (str(len(envelope)).encode() + b"\r\n" + envelope + b"\r\n").hex()


def vectors_of(types):
    global seed
    for type_name, type_number in types.items():
        for direction in ["Response"] if type_name == "Error" else ["Request", "Response"]:
            message = type_name + direction
            common = {"message": message, "type": type_number, "direction": direction.lower()}
            start = seed
            plain, data = build(message)
            yield {**common, "case": "full", "value": plain, "frame": frame(type_number, data)}
            seed = start
            _, data = build(message, extended=True)
            yield {**common, "case": "extended", "value": plain, "frame": frame(type_number, data)}
            plain, data = build(message, only_required=True)
            yield {**common, "case": "minimal", "value": plain, "frame": frame(type_number, data)}
            for rule, name, _, _ in fields_of(message):
                if rule == "r":
                    _, data = build(message, leave_out=name)
                    yield {**common, "case": "missing", "field": name, "frame": frame(type_number, data)}


def vectors():
    yield from vectors_of(TYPES)
    for name in ["src_path", "dst_path", "mode"]:
        data = delimited(1, build("BindMount", leave_out=name)[1])
        yield {"message": "CreateRequest", "type": 11, "direction": "request", "case": "missing", "field": name, "frame": frame(11, data)}
    yield from vectors_with_additions(ADDED_FIELDS)
    yield from vectors_of(ADDED_TYPES)
    yield from vectors_with_additions(LATER_FIELDS)
    yield from vectors_with_additions(IMAGE_FIELDS)
    yield from vectors_of(IMAGE_TYPES)
    yield from vectors_of(FILE_TYPES)
    yield from vectors_of(EVENT_TYPES)
    yield from vectors_with_additions(COPY_FIELDS)
    yield from traced_vectors()
    yield from vectors_of(PROCESS_TYPES)
    yield from vectors_with_additions(LABEL_FIELDS)
    yield from vectors_of(PIDS_TYPES)


def traced_vectors():
    """Message.traceparent, an addition to the envelope itself, behind the two fields that it has had for ever."""
    for message, type_number in [("PingRequest", 91), ("RunRequest", 23), ("JobsRequest", 1004)]:
        plain, data = build(message, only_required=True)
        traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        envelope = tag(1, 0) + varint(type_number) + delimited(2, data) + delimited(1000, traceparent.encode())
        yield {"message": message, "type": type_number, "direction": "request", "case": "traced", "value": plain, "traceparent": traceparent,
               "frame": (str(len(envelope)).encode() + b"\r\n" + envelope + b"\r\n").hex()}


def vectors_with_additions(messages):
    for message in messages:
        type_name, direction = re.fullmatch("(.*)(Request|Response)", message).groups()
        plain, data = build(message, added=True)
        yield {"message": message, "type": TYPES[type_name], "direction": direction.lower(), "case": "added", "value": plain, "frame": frame(TYPES[type_name], data)}


def table(names, fields_of_one):
    rules = {"r": "required", "o": "optional", "*": "repeated"}
    return ",\n".join(json.dumps(name) + ": " + json.dumps([{"rule": rules[rule], "name": field, "kind": kind, "number": number}
                                                         for rule, field, kind, number in fields_of_one(name)]) for name in names)


def main():
    out = sys.stdout
    out.write('{"types": %s,\n"enums": %s,\n"messages": {\n%s\n},\n' % (json.dumps(TYPES), json.dumps(ENUMS), table(MESSAGES, fields_of)))
    out.write('"addedTypes": %s,\n"addedFields": {\n%s\n},\n' % (json.dumps({**ADDED_TYPES, **IMAGE_TYPES, **FILE_TYPES, **EVENT_TYPES, **PROCESS_TYPES, **PIDS_TYPES}), table(dict.fromkeys(name for fields in ALL_FIELDS for name in fields), added_to)))
    out.write('"addedMessages": {\n%s\n},\n"vectors": [\n' % table(ADDED_MESSAGES, fields_of))
    out.write(",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors()))
    out.write("\n]}\n")


main()
