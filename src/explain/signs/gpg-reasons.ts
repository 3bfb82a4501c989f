import type { GpgReason } from '../observation.ts';
import { ofAnything, ofCards } from './gpg-languages.ts';

/**
 * libgpg-error codes a card problem can end in (err-codes.h.in), with the text of gpg_strerror and, for the
 * system error codes (bit 15), of strerror.
 */
const byCode = new Map<number, GpgReason>([
  [1, 'general'],
  [32848, 'no-device'],
  [318, 'no-service'],
  [119, 'no-daemon'],
  [77, 'no-agent'],
  [108, 'card-error'],
  [112, 'not-present'],
  [110, 'removed'],
  [109, 'reset'],
  [70, 'conflict'],
  [60, 'not-supported'],
  [87, 'bad-pin'],
  [130, 'pin-blocked'],
  [32817, 'input-output'],
  [129, 'hardware'],
  [58, 'no-data'],
  [32769, 'access-denied'],
  [32787, 'busy'],
  [251, 'forbidden'],
  [16383, 'eof'],
]);

/** What a libgpg-error code means for a card, null when nothing in particular. */
export const reasonOfCode = (code: number): GpgReason | null => byCode.get(code) ?? null;

/**
 * The messages behind the codes: English first, then the translations that glibc and libgpg-error ship.
 * A translated message is recognised without knowing its language.
 */
const texts: Record<Exclude<GpgReason, 'other'>, readonly string[]> = {
  'no-device': [
    'No such device', 'Operation not supported by device', 'Kein passendes Gerät gefunden', 'Aucun périphérique de ce type', 'No existe el dispositivo',
    'Nessun device corrisponde', 'Dispositivo inexistente', 'Нет такого устройства', 'そのようなデバイスはありません', '그런 장치가 없음', '没有那个设备',
    '沒有此一裝置', 'Nie ma takiego urządzenia', 'Onjuist apparaat', 'Takové zařízení neexistuje', 'Ingen sådan enhed', 'Enheten finns inte',
    'Ingen slik enhet', 'Laitetta ei ole', 'Nincs ilyen eszköz', 'Böyle bir aygıt yok', 'Пристрою не знайдено', 'El dispositiu no és vàlid',
    'Operation wird vom Gerät nicht unterstützt', 'Opération non prise en charge par le périphérique', 'Δεν υπάρχει τέτοια συσκευή',
  ],
  'no-service': ['Service is not running', 'Service ist nicht aktiv', 'Služba neběží', 'サービスが動いていません', 'Usługa nie jest uruchomiona', 'Servis çalışmıyor', 'Службу не запущено', '服务未运行', '服務未運行'],
  'no-daemon': [
    'No SmartCard daemon', 'Kein Karten-Daemon', 'Pas de démon SmartCard', 'No hay agente de SmartCard', 'Nessun demone per la SmartCard', 'スマートカードデーモンがありません',
    'Нет демона криптографических карт', '没有智能卡守护进程', '沒有智慧卡服務', 'Brak demona SmartCard', 'Geen SmartCard-daemon', 'Žádný démon pro čipové karty', 'Sem demónio de SmartCard', 'Ingen SmartCard-demon',
  ],
  'no-agent': ['No agent running', 'Agent läuft nicht', "Pas d'agent en cours d'exécution", 'No hay ningún agente en ejecución', 'Nessun agente in esecuzione', 'エージェントが動いていません', '未运行代理', 'Агент не работает'],
  'card-error': ['Card error', 'Kartenfehler', 'Erreur de carte', 'Error de tarjeta', 'Errore della scheda', 'カードエラー', 'Ошибка карты', '卡错误', '卡片錯誤', 'Błąd karty', 'Kaartfout', 'Chyba karty', 'Erro de cartão', 'Kortfel'],
  'not-present': ['Card not present', 'Karte nicht vorhanden', 'Carte absente', 'La tarjeta no está', 'Scheda non presente', 'カードが存在していません', 'Карта отсутствует', '卡不存在', '卡片不存在', 'Karta nieobecna', 'Kaart niet aanwezig', 'Karta není přítomna'],
  removed: ['Card removed', 'Karte wurde entfernt', 'Carte enlevée', 'Tarjeta removida', 'Scheda rimossa', 'カードが削除されました', 'Карта вынута', '卡已删除', '卡片已移除', 'Karta wyciągnięta'],
  reset: ['Card reset required', 'Karte wurde zurückgesetzt', 'Réinitialisation de la carte nécessaire', 'Hay que resetear la tarjeta', 'カードリセットが必要です', 'Требуется перезапуск карты', '要求重置卡'],
  conflict: ['Conflicting use', 'Widersprüchliche Benutzung', 'Utilisation conflictuelle', 'Uso incompatible', 'Uso in conflitto', '対立する使用です', 'Противоречивое использование', '冲突的用法'],
  'not-supported': ['Not supported', 'Nicht unterstützt', 'Non pris en charge', 'No disponible', 'Non supportato', 'サポートされていません', 'Не поддерживается', '不支持', 'Nie obsługiwane', 'Niet ondersteund'],
  'bad-pin': ['Bad PIN', 'Falsche PIN', 'Mauvais code personnel', 'PIN incorrecto', 'PIN errato', '誤った PIN です', '损坏的 PIN'],
  'pin-blocked': ['PIN blocked', 'PIN ist blockiert', 'Code personnel bloqué', 'PIN bloqueado', 'PIN bloccato', 'PIN がブロックされました', 'PIN заблокирован', 'PIN 已屏蔽', 'PIN zablokowany'],
  'input-output': ['Input/output error', 'Eingabe-/Ausgabefehler', "Erreur d'entrée/sortie", 'Error de entrada/salida', 'Errore di input/output', '入力/出力エラーです', 'Ошибка ввода/вывода', '输入/输出错误'],
  hardware: ['Hardware problem', 'Problem mit der Hardware', 'Problème matériel', 'Problema de hardware', 'Problema hardware', 'ハードウェアの問題です', 'Аппаратная проблема'],
  'no-data': ['No data', 'Keine Daten', 'Pas de données'],
  'access-denied': ['Permission denied'],
  busy: ['Device or resource busy', 'Resource busy'],
  forbidden: ['Forbidden', 'Verboten'],
  general: ['general error', 'Allgemeiner Fehler'],
  eof: ['End of file', 'Dateiende', 'Fin de fichier', 'Fin de archivo', 'ファイルの終わり', 'Конец файла'],
};

/** gpg_strerror of a code, in English. */
export function textOfCode(code: number): string {
  const reason = byCode.get(code);
  return reason === undefined || reason === 'other' ? 'no code that cards are known for' : (texts[reason][0] as string);
}

const pairs: readonly (readonly [GpgReason, string])[] = [texts, ofCards, ofAnything].flatMap((table) => Object.entries(table)).flatMap(([reason, list]) => list.map((text) => [reason as GpgReason, text.toLowerCase()] as const));
const lowered = new Map(pairs.map(([reason, text]) => [text, reason]));

/** The translations that say by themselves, without any English around them, what gpg found. */
export const translations: readonly string[] = [...Object.values(texts).flatMap((list) => list.slice(1)), ...Object.values(ofCards).flat()];

/** ENXIO begins like ENODEV in most languages, and is said of terminals. */
const OF_ADDRESSES = /address|dirección|endereço|indirizzo|地址|адрес|адреси|adres/i;

/** What a message of gpg_strerror means; matches at the start, so trailing punctuation and `<SCD>` do not matter. */
export function reasonOfText(text: string): GpgReason {
  const wanted = text.trim().toLowerCase().replace(/[\s.…]*(<[^>]*>)?$/u, '');
  const exact = lowered.get(wanted);
  if (exact !== undefined) return exact;
  const [reason, known] = pairs.find(([, text]) => wanted.startsWith(text)) ?? ['other', ''];
  return reason === 'no-device' && OF_ADDRESSES.test(wanted.slice(known.length, known.length + 20)) ? 'other' : reason;
}
