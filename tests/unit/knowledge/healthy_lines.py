"""Lines that working systems write every day; some hold words that sound like failures."""

HEALTHY_LINES = [
    '10.0.0.1 - - [01/Jan/2026:10:00:00 +0000] "GET /api/orders HTTP/1.1" 200 512 "-" "curl/8.5"',
    '10.0.0.1 - - [01/Jan/2026:10:00:00 +0000] "GET /api/orders/7 HTTP/1.1" 404 21 "-" "curl/8.5"',
    '10.0.0.1 - - [01/Jan/2026:10:00:00 +0000] "POST /login HTTP/1.1" 401 0 "-" "Mozilla/5.0"',
    '10.0.0.1 - - [01/Jan/2026:10:00:00 +0000] "GET /errors.html HTTP/1.1" 200 5030 "-" "-"',
    '10.0.0.9 - - [01/Jan/2026:10:00:00 +0000] "GET /wp-login.php HTTP/1.1" 404 153 "-" "zgrab"',
    "2026/01/01 10:00:00 [notice] 7#7: signal process started",
    "2026/01/01 10:00:00 [notice] 7#7: gracefully shutting down",
    "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok",
    "nginx: configuration file /etc/nginx/nginx.conf test is successful",
    "2026-01-01 10:00:00.000 UTC [1] LOG:  database system is ready to accept connections",
    '2026-01-01 10:00:00.000 UTC [1] LOG:  listening on IPv4 address "0.0.0.0", port 5432',
    "2026-01-01 10:00:00.000 UTC [27] LOG:  checkpoint complete: wrote 3 buffers (0.0%); 0 WAL",
    "2026-01-01 10:00:00.000 UTC [1] LOG:  received fast shutdown request",
    "2026-01-01 10:00:00.000 UTC [1] FATAL:  terminating connection due to administrator command",
    '2026-01-01 10:00:00.000 UTC [1] LOG:  automatic vacuum of table "shop.public.orders"',
    "2026-01-01 10:00:00.000 UTC [9] LOG:  duration: 120.233 ms  statement: SELECT * FROM orders",
    "1:M 01 Jan 2026 10:00:00.000 * Ready to accept connections tcp",
    "1:M 01 Jan 2026 10:00:00.000 * Background saving terminated with success",
    "1:M 01 Jan 2026 10:00:00.000 * DB saved on disk",
    "1:M 01 Jan 2026 10:00:00.000 # User requested shutdown...",
    "[2026-01-01 10:00:00 +0000] [7] [INFO] Booting worker with pid: 9",
    "[2026-01-01 10:00:00 +0000] [7] [INFO] Handling signal: term",
    "[2026-01-01 10:00:00 +0000] [9] [INFO] Worker exiting (pid: 9)",
    "INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)",
    'INFO:     10.0.0.1:51000 - "GET /health HTTP/1.1" 200 OK',
    "2026-01-01 10:00:00,000 INFO [orders] order 40012 placed in 31 ms",
    "2026-01-01 10:00:00,000 INFO [import] batch finished: 812 rows, 0 errors, 3 skipped",
    "2026-01-01 10:00:00,000 WARNING [payments] gateway timeout, answered on retry",
    "2026-01-01 10:00:00,000 WARNING [cart] connection reset by peer, reconnected in 40 ms",
    "2026-01-01 10:00:00,000 INFO [jobs] retry succeeded after 2 attempts",
    "2026-01-01 10:00:00,000 INFO [app] loaded 14 error handlers and 3 exception filters",
    "2026-01-01 10:00:00,000 INFO [app] config: timeout=30s retries=3 error_log=/var/log/app.log",
    "2026-01-01 10:00:00,000 WARNING [shop] validation failed: quantity must be positive",
    "2026-01-01 10:00:00,000 WARNING [shop] card declined for order 12",
    "DeprecationWarning: datetime.datetime.utcnow() is deprecated",
    '{"level":"info","msg":"request done","status":200,"error":null,"ms":12}',
    '{"level":"info","msg":"circuit breaker closed","service":"stock"}',
    'level=info ts=2026-01-01T10:00:00Z msg="Server is ready to receive web requests."',
    'level=info component=tsdb msg="Compactions completed successfully" duration=12ms',
    "Jan  1 10:00:00 host systemd[1]: Started Daily apt download activities.",
    "Jan  1 10:00:00 host systemd[1]: logrotate.service: Deactivated successfully.",
    "Jan  1 10:00:00 host CRON[99]: (root) CMD (test -x /usr/sbin/anacron || run-parts /etc/cron)",
    "Jan  1 10:00:00 host sshd[7]: Accepted publickey for deploy from 10.0.0.3 port 5022 ssh2",
    "Jan  1 10:00:00 host sshd[7]: Received disconnect from 10.0.0.3 port 5022:11: bye",
    "Jan  1 10:00:00 host kernel: [    1.0] EXT4-fs (sda1): mounted filesystem with ordered data",
    "Jan  1 10:00:00 host kernel: [    2.0] eth0: NIC Link is Up 1000 Mbps Full Duplex",
    "Jan  1 10:00:00 host chronyd[5]: Selected source 10.0.0.2",
    "Jan  1 10:00:00 host dhclient[5]: bound to 10.0.0.7 -- renewal in 1800 seconds.",
    "Jan  1 10:00:00 host postfix/smtp[9]: ABC: to=<a@example.com>, status=sent (250 2.0.0 Ok)",
    "2026-01-01 10:00:00.000  INFO 1 --- [main] c.s.App : Started App in 4.2 seconds",
    "2026-01-01 10:00:00.000  INFO 1 --- [main] o.s.b.w.e.TomcatWebServer : Tomcat started",
    "2026-01-01 10:00:00.000  INFO 1 --- [main] c.z.h.HikariDataSource : Pool-1 - Start completed.",
    "[2026-01-01 10:00:00,000] INFO [KafkaServer id=1] started (kafka.server.KafkaServer)",
    "2026-01-01 10:00:00.000 [info] <0.230.0> Server startup complete; 4 plugins started.",
    "[7] 2026/01/01 10:00:00.000000 [INF] Server is ready",
    "1700000000: New client connected from 10.0.0.4:40000 as sensor-7 (p2, c1, k60).",
    "2026-01-01T10:00:00Z INF Registered tunnel connection connIndex=0 location=fra03",
    "I0101 10:00:00.000000 1 event.go:294] Normal Scheduled Successfully assigned shop/web-1",
    "npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory.",
    "Server listening at http://127.0.0.1:3000",
    "2026-01-01 10:00:00 0 [Note] mariadbd: ready for connections.",
    "2026-01-01T10:00:00.000000Z 0 [System] [MY-010931] [Server] mysqld: ready for connections.",
    "Running upgrade 1a2b -> 3c4d, add coupons",
    "deployed release 2026.03.1",
    "cache hit ratio 0.93, evicted 0, errors=0",
    "TLS certificate for shop.example renewed, valid until 2026-04-01",
    "certificate for api.example.com will expire in 29 days",
    "GC pause (young) 12 ms, heap 512M->128M(1024M)",
    "backup finished: 12 files, 1.2 GiB, no errors found",
    "disk usage of /var is 41%",
    "2026-01-01T10:00:00.000+00:00 [info] <0.812.0> accepting AMQP connection <0.812.0> (10.0.0.7:41000 -> 10.0.0.2:5672)",  # noqa: E501
    "2026-01-01 10:00:00.000 [info] <0.9.0> Time to start RabbitMQ: 4210 ms",
    "[2026-01-01 10:00:00,000] INFO [GroupCoordinator 1]: Preparing to rebalance group g in state PreparingRebalance (kafka)",  # noqa: E501
    "[2026-01-01 10:00:00,000] INFO [Consumer clientId=c, groupId=g] Resetting offset for partition orders-0 to position 812.",  # noqa: E501
    "[2026-01-01 10:00:00,000] INFO [KafkaServer id=1] shut down completed (kafka.server.KafkaServer)",  # noqa: E501
    '{"t":{"$date":"2026-01-01T10:00:00Z"},"s":"I","c":"NETWORK","id":22943,"msg":"Connection accepted","attr":{"connectionCount":7}}',  # noqa: E501
    '{"t":{"$date":"2026-01-01T10:00:00Z"},"s":"I","c":"COMMAND","id":51803,"msg":"Slow query","attr":{"durationMillis":112}}',  # noqa: E501
    '{"t":{"$date":"2026-01-01T10:00:00Z"},"s":"I","c":"STORAGE","msg":"WiredTiger message","attr":{"message":"saving checkpoint"}}',  # noqa: E501
    "[2026-01-01T10:00:00,000][INFO ][o.e.c.r.a.AllocationService] Cluster health status changed from [YELLOW] to [GREEN]",  # noqa: E501
    "[2026-01-01T10:00:00,000][INFO ][o.e.n.Node] [es1] started {es1}{1a}",
    "[2026-01-01T10:00:00,000][INFO ][o.e.m.j.JvmGcMonitorService] [es1] [gc][812] overhead, spent [251ms] collecting in the last [1s]",  # noqa: E501
    "1:M 01 Jan 2026 10:00:00.000 * 100 changes in 300 seconds. Saving...",
    "1:S 01 Jan 2026 10:00:00.000 * MASTER <-> REPLICA sync: Finished with success",
    "1:M 01 Jan 2026 10:00:00.000 * Synchronization with replica 10.0.0.3:6379 succeeded",
    "2026-01-01 10:00:00 12 [Note] InnoDB: Buffer pool(s) load completed at 260101 10:00:00",
    "2026-01-01T10:00:00.000000Z 0 [Warning] [MY-010068] [Server] CA certificate ca.pem is self signed.",  # noqa: E501
    "2026-01-01 10:00:00 0 [Note] Server socket created on IP: '0.0.0.0'.",
    "2026-01-01 10:00:00.000 UTC [9] LOG:  could not receive data from client: Connection reset by peer",  # noqa: E501
    "2026-01-01 10:00:00.000 UTC [9] LOG:  connection authorized: user=app database=shop application_name=psql",  # noqa: E501
    '2026-01-01 10:00:00.000 UTC [1] LOG:  background worker "logical replication launcher" (PID 9) exited with exit code 1',  # noqa: E501
    "2026-01-01 10:00:00.000 UTC [9] ERROR:  canceling autovacuum task",
    "INFO  [MigrationStage:1] 2026-01-01 10:00:00,000 ColumnFamilyStore.java:432 - Initializing shop.orders",  # noqa: E501
    "2026.01.01 10:00:00.000000 [ 7 ] {} <Information> Application: Ready for connections.",
    "2026-01-01 10:00:00.00 spid51 Starting up database 'shop'.",
    "Thread 1 advanced to log sequence 812 (LGWR switch)",
    "2026-01-01 10:00:00,000 [myid:1] - INFO  [main:QuorumPeer@2389] - Peer state changed: following - broadcast",  # noqa: E501
    '{"level":"info","ts":"2026-01-01T10:00:00Z","msg":"established TCP streaming connection with remote peer","remote-peer-id":"9"}',  # noqa: E501
    "2026-01-01T10:00:00Z [INFO]  agent: Synced service: service=web",
    "2026-01-01T10:00:00Z [INFO]  core: vault is unsealed",
    "2026-01-01T10:00:00Z [INFO]  agent.server.raft: election won: term=3 tally=2",
    "1700000000: mosquitto version 2.0.18 running",
    "1700000000: Client sensor-7 disconnected.",
    "2026/01/01 10:00:00 [notice] 1#1: start worker processes",
    "[mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4.58 (Unix) configured -- resuming normal operations",  # noqa: E501
    "[mpm_event:notice] [pid 1:tid 1] AH00492: caught SIGWINCH, shutting down gracefully",
    '10.0.0.1:41000 [01/Jan/2026:10:00:00.000] http-in app/web1 0/0/1/12/13 200 512 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"',  # noqa: E501
    "1700000000.123     12 10.0.0.7 TCP_MISS/200 4012 GET http://example.com/ - HIER_DIRECT/10.0.0.9 text/html",  # noqa: E501
    "varnishd[600]: Child (812) Started",
    '{"level":"info","ts":1700000000.1,"logger":"tls","msg":"certificate obtained successfully","identifier":"shop.example"}',  # noqa: E501
    'time="2026-01-01T10:00:00Z" level=info msg="Configuration loaded from file: /etc/traefik/traefik.yml"',  # noqa: E501
    "[2026-01-01 10:00:00.000][1][info][main] all clusters initialized. initializing init manager",
    "named[600]: zone shop.example/IN: sending notifies (serial 2026010101)",
    "dnsmasq[600]: started, version 2.90 cachesize 150",
    '[INFO] 10.0.0.7:41000 - 812 "AAAA IN web.shop.svc.cluster.local. udp 47 false 512" NOERROR qr,aa,rd 140 0.0001s',  # noqa: E501
    "postfix/smtpd[812]: disconnect from mail.example.com[10.0.0.9] ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7",  # noqa: E501
    "dovecot: imap(shop)<812><x>: Disconnected: Logged out in=120 out=812",
    '2026-01-01 10:00:00 1abcDE-000001-XY => shop@example.com R=dnslookup T=remote_smtp H=mx.example.com [10.0.0.9] C="250 OK"',  # noqa: E501
    "slapd[600]: conn=1001 op=0 RESULT tag=97 err=0 etime=0.000120 text=",
    "INFO  [org.keycloak.services] KC-SERVICES0009: Added user 'admin' to realm 'master'",
    "Checking for jobs... received                       job=812 repo_url=https://git.shop/shop.git runner=1a2b",  # noqa: E501
    "Finished: SUCCESS",
    'logger=ngalert.scheduler t=2026-01-01T10:00:00Z level=info msg="Starting scheduler" tickInterval=10s',  # noqa: E501
    'level=info ts=2026-01-01T10:00:00Z caller=flush.go:167 msg="flushing stream" user=fake fp=1a reason=idle',  # noqa: E501
    "[2026/01/01 10:00:00] [ info] [output:es:es.0] worker #0 started",
    "2026-01-01T10:00:00.000Z INFO log/harvester.go:302 Harvester started for file: /var/log/app.log",  # noqa: E501
    '2026-01-01T10:00:00Z I! [agent] Config: Interval:10s, Quiet:false, Hostname:"web1", Flush Interval:10s',  # noqa: E501
    'level=info msg="API listen on /run/docker.sock"',
    'level=info msg="ImageCreate event name:\\"docker.io/library/redis:7\\""',
    'I0101 10:00:00.000000 812 kubelet.go:2410] "SyncLoop (PLEG): event for pod" pod="shop/web-6f7" event={"Type":"ContainerStarted"}',  # noqa: E501
    'I0101 10:00:00.000000 1 garbagecollector.go:151] "All resource monitors have synced. Proceeding to collect garbage"',  # noqa: E501
    "systemd[1]: Finished Rotate log files.",
    "systemd[1]: orders.service: Consumed 3.210s CPU time.",
    "systemd-journald[300]: System Journal (/var/log/journal/1) is 812.0M, max 4.0G, 3.2G free.",
    "NetworkManager[600]: <info>  [1700000000.1] device (eth0): state change: ip-config -> ip-check (reason 'none')",  # noqa: E501
    "chronyd[600]: System clock wrong by 0.000812 seconds",
    "smartd[812]: Device: /dev/sda [SAT], SMART Usage Attribute: 190 Airflow_Temperature_Cel changed from 62 to 61",  # noqa: E501
    "kernel: md: md0: data-check done.",
    "kernel: XFS (sda1): Ending clean mount",
    "kernel: nfs: server 10.0.0.5 OK",
    "ovpn-server[600]: shop/10.0.0.7:41000 peer info: IV_VER=2.6.8",
    "fail2ban.actions [600]: NOTICE  [sshd] Unban 203.0.113.7",
    "sudo: pam_unix(sudo:session): session closed for user root",
    "Certificate not yet due for renewal; no action taken.",
    "borgmatic: shop: Successfully ran configuration file",
    "snapshot 1a2b3c4d saved, processed 812 files, 1.2 GiB in 0:12",
    '{"reqId":"x","level":1,"time":"2026-01-01T10:00:00+00:00","app":"cron","message":"Job finished in 2 seconds"}',  # noqa: E501
    '[2026-01-01 10:00:00] production.INFO: Order 812 placed {"ms":31}',
    'Started GET "/orders/7" for 10.0.0.7 at 2026-01-01 10:00:00 +0000',
    "Completed 200 OK in 12ms (Views: 3.1ms | ActiveRecord: 2.0ms)",
    "info: Microsoft.Hosting.Lifetime[14] Now listening on: http://[::]:8080",
    "[2026-01-01 10:00:00,000: INFO/ForkPoolWorker-1] Task shop.mail[1a2b] succeeded in 0.12s: None",  # noqa: E501
    '{"severity":"INFO","message":"class=MailJob jid=1a2b elapsed=0.012: done"}',
    "{taskinstance.py:1345} INFO - Marking task as SUCCESS. dag_id=shop, task_id=export",
    "26/01/01 10:00:00 INFO TaskSetManager: Finished task 3.0 in stage 7.0 (TID 812) in 120 ms on 10.0.0.4 (4/4)",  # noqa: E501
    "Apply complete! Resources: 0 added, 0 changed, 0 destroyed.",
    "web1 : ok=12 changed=1 unreachable=0 failed=0 skipped=3 rescued=0 ignored=0",
    "cluster [INF] Health check cleared: OSD_DOWN (was: 1 osds down)",
    "corosync[600]: [QUORUM] This node is within the primary component and will provide service.",
    "2026-01-01 10:00:00.000 INFO (MainThread) [homeassistant.components.mqtt] Connected to MQTT server mqtt:1883",  # noqa: E501
    "Zigbee2MQTT:info 2026-01-01 10:00:00: MQTT publish: topic 'zigbee2mqtt/lamp', payload '{\"state\":\"ON\"}'",  # noqa: E501
    "2026-01-01 10:00:00,000 INFO success: orders entered RUNNING state, process has stayed up for > than 1 seconds",  # noqa: E501
    "INFO | Apache ActiveMQ 6.0 (localhost, ID:1) started",
    "API: SYSTEM() Time: 10:00:00 UTC 01/01/2026 Status: 4 Online, 0 Offline.",
    "RequestId: 1a2b Duration: 12.10 ms Billed Duration: 13 ms Memory Size: 128 MB Max Memory Used: 61 MB",  # noqa: E501
    "ok 12 - retries after a 503 (expected failure is caught)",
]
