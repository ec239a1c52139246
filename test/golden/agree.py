#!/usr/bin/python3
"""Reads vectors.json with Google's protobuf and the modules that protoc made of our .proto files: a third opinion.

Usage: agree.py DIRECTORY_OF_PB2_MODULES. Prints how many vectors agree; fails at the first that does not.
"""
import importlib
import json
import os
import sys

from google.protobuf.message import DecodeError

sys.path.insert(0, sys.argv[1])
modules = [importlib.import_module(name[:-3]) for name in sorted(os.listdir(sys.argv[1])) if name.endswith("_pb2.py")]


def message_class(name):
    return next(getattr(module, name) for module in modules if hasattr(module, name))


def main():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors.json"), encoding="utf-8") as file:
        vectors = json.load(file)["vectors"]
    for vector in vectors:
        frame = bytes.fromhex(vector["frame"])
        start = frame.index(b"\n") + 1
        assert int(frame[:start - 2]) == len(frame) - start - 2 and frame.endswith(b"\r\n"), vector
        envelope = message_class("Message")()
        envelope.ParseFromString(frame[start:-2])
        assert envelope.type == vector["type"] and envelope.traceparent == vector.get("traceparent", ""), vector
        message = message_class(vector["message"])()
        try:
            message.ParseFromString(envelope.payload)
        except DecodeError:
            assert vector["case"] == "missing", vector
        assert message.IsInitialized() == (vector["case"] != "missing"), vector
        if vector["case"] in ("full", "added", "minimal", "traced"):
            assert message.SerializeToString() == envelope.payload, vector
        if vector["case"] == "extended":
            message.DiscardUnknownFields()
            full = next(other for other in vectors if other["message"] == vector["message"] and other["case"] == "full")
            assert frame_payload(full) == message.SerializeToString(), vector
    print(f"{len(vectors)} vectors agree")


def frame_payload(vector):
    frame = bytes.fromhex(vector["frame"])
    envelope = message_class("Message")()
    envelope.ParseFromString(frame[frame.index(b"\n") + 1:-2])
    return envelope.payload


main()
