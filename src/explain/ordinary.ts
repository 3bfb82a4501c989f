/**
 * What large logs are full of and nobody needs explained: the lines a pcscd at debug level writes for every command
 * (pcsc-lite winscard_svc.c, winscard.c, readerfactory.c, eventhandler.c), scdaemon's with every debug flag, and
 * libccid's frames. The search looks for the parts of its needles that are rare in these.
 */
export const ordinary = `
00000012 ../src/readerfactory.c:856:RFReaderInfoById() RefReader() count was: 1
00000023 readerfactory.c:834:RFReaderInfo() RefReader() count was: 2
00000003 ../src/winscard_svc.c:361:ContextThread() Received command: TRANSMIT from client 10
00000101 winscard_svc.c:361:ContextThread() Received command: BEGIN_TRANSACTION from client 12
00000101 winscard_svc.c:361:ContextThread() Received command: END_TRANSACTION from client 12
00000037 winscard_svc.c:640:ContextThread() TRANSMIT for client 10, rv=SCARD_S_SUCCESS
00000037 winscard_svc.c:640:ContextThread() BEGIN_TRANSACTION for client 10, rv=SCARD_S_SUCCESS
00000037 winscard_svc.c:640:ContextThread() CONNECT rv=0x0 for client 10
00000008 winscard.c:1580:SCardTransmit() Send Protocol: T=1
00000022 winscard.c:1640:SCardTransmit() UnrefReader() count was: 1
00000022 winscard.c:1640:SCardBeginTransaction() UnrefReader() count was: 1
00000022 winscard.c:1640:SCardBeginTransaction() Status: rv=SCARD_S_SUCCESS
00000022 winscard.c:1640:SCardEndTransaction() UnrefReader() count was: 1
00000022 winscard.c:1640:SCardEndTransaction() Status: rv=SCARD_S_SUCCESS
00000022 winscard.c:1640:SCardDisconnect() Active Contexts: 1
00000022 winscard.c:1640:SCardConnect() Attempting Connect to Reader 00 00 using protocol: 3
00000010 winscard_svc.c:361:ContextThread() Received command: CMD_GET_READERS_STATE from client 10
00000010 winscard_svc.c:361:ContextThread() Received command: CMD_WAIT_READER_STATE_CHANGE from client 10
00000010 winscard_svc.c:361:ContextThread() CMD_STOP_WAITING_READER_STATE_CHANGE for client 10, rv=SCARD_S_SUCCESS
00000010 winscard_svc.c:343:ContextThread() Thread is started: dwClientID=10, threadContext @0x55e105cd03b0
00000558 winscard_svc.c:340:ContextThread() Authorized PC/SC client
00000039 winscard_msg_srv.c:267:ProcessEventsServer() ProcessCommonChannelRequest detects: 10
00000073 winscard_msg_srv.c:256:ProcessEventsServer() Common channel packet arrival
00000008 pcscdaemon.c:133:SVCServiceRunLoop() A new context thread creation is requested: 10
00000008 winscard_svc.c:1054:MSGCleanupClient() Thread is stopping: dwClientID=10, threadContext @0x55e105cd03b0
00000008 winscard_svc.c:1060:MSGCleanupClient() Freeing SCONTEXT @0x55e105cd03b0
00000008 eventhandler.c:480:EHStatusHandlerThread() powerState: POWER_STATE_POWERED
00000021 APDU: 00 A4 04 00 06 D2 76 00 01 24 01 00
00000021 SW: 90 00
00000012 -> 000000 6F 0B 00 00 00 00 1A 00 00 00 00
00000013 <- 000000 80 02 00 00 00 00 1A 00 00 00 90 00
00400280 ifdhandler.c:1955:IFDHICCPresence() usb:1050/0407:libudev:1:/dev/bus/usb/001/071 (lun: 0)
00000012 ifdhandler.c:1300:IFDHTransmitToICC() usb:1050/0407:libudev:1:/dev/bus/usb/001/071 (lun: 0)
00000012 ccid_usb.c:1545:InterruptRead() before (0)
2026-01-01 12:00:00 scdaemon[1234] DBG: chan_7 <- SERIALNO openpgp
2026-01-01 12:00:00 scdaemon[1234] DBG: chan_7 -> S SERIALNO D2760001240102010006046314290000
2026-01-01 12:00:00 scdaemon[1234] DBG: send apdu: c=00 i=CA p1=00 p2=6E lc=-1 le=256 em=0
2026-01-01 12:00:00 scdaemon[1234] DBG: ccid-driver: PC_to_RDR_XfrBlock:
Jan 01 12:00:00 host pcscd[1234]: 00000012 winscard.c:1580:SCardTransmit() Send Protocol: T=1
`;
