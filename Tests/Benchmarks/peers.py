"""What Tests/Benchmarks/peers runs."""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.config import Config

MIB = 1 << 20
KEY, SECRET = "benchmark", "benchmark-secret"
TOOLS = os.path.dirname(sys.executable)


def free_port():
    """One that nobody has, nor the one 10,000 above it, where SeaweedFS takes gRPC."""
    while True:
        port = random.randrange(12_000, 22_000)
        try:
            for number in (port, port + 10_000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
            return port
        except OSError:
            continue


def fail(message, log):
    """Ends with what the program concerned has said last."""
    with open(log, errors="replace") as file:
        lines = file.read().splitlines()[-10:]
    sys.exit("\n".join([f"{message}. Its log ends with:", *lines]))


@contextlib.contextmanager
def program(arguments, log, **environment):
    """Runs beside what is in the block, and is ended with it, whatever happens there."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **environment})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def bucket_server(place):
    """A SeaweedFS server; gives a client of it and its URL."""
    settings = os.path.join(place, "s3.json")
    identity = {
        "name": "benchmark", "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    with open(settings, "w") as file:
        json.dump({"identities": [identity]}, file)
    store = os.path.join(place, "store")
    os.mkdir(store)
    ports = {name: free_port() for name in ("master.port", "volume.port", "filer.port", "s3.port")}
    url = f"http://127.0.0.1:{ports['s3.port']}"
    arguments = [
        os.path.join(TOOLS, "weed"), "-logtostderr=true", "server", "-ip=127.0.0.1", f"-dir={store}",
        "-volume.max=100", "-volume.preStopSeconds=0", "-master.volumeSizeLimitMB=1024", "-master.telemetry=false",
        "-s3", f"-s3.config={settings}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        *(f"-{name}={port}" for name, port in ports.items())]
    with program(arguments, os.path.join(place, "server.log")):
        client = boto3.client(
            "s3", endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
        for attempt in range(120):
            try:
                client.create_bucket(Bucket="ready")
                break
            except Exception:
                if attempt == 119:
                    fail("The server did not come up", os.path.join(place, "server.log"))
                time.sleep(0.5)
        yield client, url


@contextlib.contextmanager
def mounted(name, options, url, bucket, place):
    """A mount of the bucket by one of the two, with a cache of its own."""
    mountpoint, cache = os.path.join(place, "mount"), os.path.join(place, "cache")
    os.makedirs(mountpoint)
    os.makedirs(cache)
    arguments = {
        "uploadfs": [
            options.program, "mount", f"s3://{bucket}?endpoint={url}&region=us-east-1", mountpoint, "--state-dir",
            os.path.join(cache, "state")],
        "rclone": [
            os.path.join(TOOLS, "rclone"), "mount", f"s3:{bucket}", mountpoint, "--cache-dir", cache,
            "--vfs-cache-mode", "writes", "--vfs-write-back", "0s", "--log-level", "NOTICE"],
    }[name]
    environment = {
        "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true",
        "RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_S3_TYPE": "s3", "RCLONE_CONFIG_S3_PROVIDER": "SeaweedFS",
        "RCLONE_CONFIG_S3_ENDPOINT": url, "RCLONE_CONFIG_S3_ACCESS_KEY_ID": KEY,
        "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": SECRET}
    with program(arguments, os.path.join(place, f"{name}.log"), **environment) as process:
        for _ in range(200):
            if os.path.ismount(mountpoint):
                break
            if process.poll() is not None:
                fail(f"{name} did not mount", os.path.join(place, f"{name}.log"))
            time.sleep(0.1)
        try:
            yield process, mountpoint
        finally:
            subprocess.run(["umount", "-l", mountpoint], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(mountpoint, ignore_errors=True)
    shutil.rmtree(cache, ignore_errors=True)


def fill(path, size):
    with open(path, "wb") as file:
        for _ in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size)))


def record(path, size, rate):
    """Writes at a steady pace, as a recorder does. Returns the moment in which it closes the file."""
    block = os.urandom(MIB)
    with open(path, "wb", buffering=0) as file:
        began = time.monotonic()
        for written in range(0, size, MIB):
            time.sleep(max(0, began + written / rate - time.monotonic()))
            file.write(block)
        return time.monotonic()


def processor_time(process):
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(name, workload, options, client, url, place, number):
    bucket = f"{workload}-{name}-{number}"
    client.create_bucket(Bucket=bucket)
    for warm in range(3):
        client.put_object(Bucket=bucket, Key=f"warm/{warm}", Body=os.urandom(MIB))
    sources = os.path.join(place, "sources")
    with mounted(name, options, url, bucket, place) as (process, mountpoint):
        time.sleep(1)
        spent, began = processor_time(process), time.monotonic()
        if workload == "file":
            wanted = {"big": 1024 * MIB}
            shutil.copyfile(os.path.join(sources, "big"), os.path.join(mountpoint, "big"))
        elif workload == "files":
            wanted = {f"files/{index:03}": 16 << 10 for index in range(1000)}
            subprocess.run(["cp", "-r", os.path.join(sources, "files"), mountpoint], check=True)
        else:
            wanted = {"recording": 200 * MIB}
            began = record(os.path.join(mountpoint, "recording"), 200 * MIB, 100 * MIB)
        while wanted and time.monotonic() - began < 300:
            key, size = next(iter(wanted.items()))
            try:
                if client.head_object(Bucket=bucket, Key=key)["ContentLength"] == size:
                    del wanted[key]
                    continue
            except client.exceptions.ClientError:
                pass
            time.sleep(0.01)
        if wanted:
            fail(
                f"{name}: {len(wanted)} objects of the workload {workload} did not come",
                os.path.join(place, f"{name}.log"))
        return time.monotonic() - began, processor_time(process) - spent


def main():
    parser = argparse.ArgumentParser(prog="Tests/Benchmarks/peers")
    parser.add_argument("--program", default=".build/release/uploadfs", help="the uploadfs to measure")
    parser.add_argument("--pairs", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--workloads", default="file,files,recording", help="some of file, files, recording")
    options = parser.parse_args()
    workloads = options.workloads.split(",")
    if not set(workloads) <= {"file", "files", "recording"} or options.pairs < 1:
        parser.error("--workloads takes file, files and recording, --pairs a number from 1")
    if shutil.which(options.program) is None:
        parser.error(f"there is no {options.program}: build it with Mount/run, or name another with --program")
    options.program = os.path.abspath(shutil.which(options.program))
    # In memory, so that no disk is measured.
    place = tempfile.mkdtemp(prefix="uploadfs-peers-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        os.makedirs(os.path.join(place, "sources", "files"))
        if "file" in workloads:
            fill(os.path.join(place, "sources", "big"), 1024 * MIB)
        for index in range(1000):
            fill(os.path.join(place, "sources", "files", f"{index:03}"), 16 << 10)
        with bucket_server(place) as (client, url):
            print("| workload | uploadfs s | rclone s | ratio | uploadfs CPU s | rclone CPU s |")
            print("|---|---|---|---|---|---|", flush=True)
            for workload in workloads:
                figures = {"uploadfs": [], "rclone": []}
                for number in range(options.pairs):
                    for name in figures:
                        figures[name].append(measure(name, workload, options, client, url, place, number))
                        # And all that is in it: else the server's volumes run out.
                        client.delete_bucket(Bucket=f"{workload}-{name}-{number}")
                (ours, our_time), (theirs, their_time) = (
                    [statistics.median(values) for values in zip(*figures[name])] for name in figures)
                print(
                    f"| {workload} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} | {our_time:.2f} | "
                    f"{their_time:.2f} |", flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)


main()
