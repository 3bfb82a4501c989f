/** What gpg and gpg-agent say of cards in other languages (GnuPG po/), and libgpg-error's texts beyond the frequent ones (libgpg-error po/). */
import type { GpgReason } from '../observation.ts';

/** g10/card-util.c, "OpenPGP card not available: %s". */
export const cardNotAvailable: readonly string[] = [
  'OpenPGP Karte ist nicht vorhanden', "carte OpenPGP n'est pas disponible", 'tarjeta OpenPGP no disponible', 'Scheda OpenPGP non disponibile', 'OpenPGPカードが利用できません', 'OpenPGP 卡不可用', 'Карта OpenPGP недоступна', 'Karta OpenPGP niedostępna', 'OpenPGP karta není dostupná',
  'OpenPGP-kaart is niet beschikbaar', 'cartão OpenPGP não disponível', 'OpenPGP anahtarı kullanılabilir değil', 'отримати доступ до картки OpenPGP',
];

/** g10/call-agent.c, "no gpg-agent running in this session". */
export const noAgentRunning: readonly string[] = [
  'gpg-agent läuft nicht für diese', "aucune instance de gpg-agent n'est en cours", 'no hay un agente gpg ejecut', 'nessun gpg-agent in esecuzione', 'このセッションでgpg-agentは実行されていません', '此会话中没有 gpg-agent', 'в этом сеансе агент gpg не работает', 'brak działającego gpg-agenta', 'neběží žádný gpg-agent',
  'geen gpg-agent actief', 'nenhum gpg-agent em execução', 'bu oturumda çalışan gpg-agent yok', 'не запущено gpg-agent',
];

/** scd/app-openpgp.c, "card is permanently locked!". */
export const permanentlyLocked: readonly string[] = [
  'Karte ist dauerhaft gesperrt', 'la carte est irrémédiablement bloquée', 'tarjeta está bloqueada permanentemente', 'carta è bloccata in modo permanente', 'カードが永久にロックされてます', '卡片被永久锁定', 'карта окончательно заблокирована', 'karta została trwale zablokowana', 'karta je trvale uzamčena', 'kaart is permanent vergrendeld',
  'cartão está permanentemente bloqueado', 'kart kalıcı olarak kilitli',
];

/** agent/gpg-agent.c, "a gpg-agent is already running". */
export const agentAlreadyRuns: readonly string[] = [
  'Ein gpg-agent läuft bereits', 'une instance de gpg-agent fonctionne déjà', 'ya hay un agente gpg ejecut', 'un gpg-agent è già in esecuzione', 'gpg-agentは既に実行されています', '有一个 gpg-agent 实例正在运行', 'агент gpg уже запущен', 'gpg-agent już działa', 'gpg-agent již běží', 'er is al een gpg-agent actief', 'gpg-agent já está em execução', 'gpg-agent zaten var', 'gpg-agent вже запущено',
];

/** Texts that say of themselves that they are about a card or its daemon. */
export const ofCards: Partial<Record<GpgReason, readonly string[]>> = {
  'no-service': ['O serviço não está em execução', 'Служба не работает', 'Tjänsten körs inte'],
  'no-daemon': ['Ingen SmartCard-dæmon', 'Nincs SmartCard démon', 'Sem daemon de SmartCard', 'SmartCard ardalan süreci yok', 'Немає фонової служби SmartCard'],
  'no-agent': ['Agent neběží', 'Ingen agent kører', 'Nincs futó ügynök', 'Er draait geen agent', 'Agent nieuruchomiony', 'Nenhum agent em execução', 'Ingen agent kör', 'Çalışan aracı yok', 'Агент не запущено', '沒有執行中的代理程式'],
  'card-error': ['Kortfejl', 'Kártyahiba', 'Kart hatası', 'Помилка під час роботи з карткою'],
  'not-present': ['Kort er ikke til stede', 'A kártya nincs jelen', 'Cartão não presente', 'Kortet inte inmatat', 'Kart mevcut değil', 'Немає картки'],
  removed: ['Karta odstraněna', 'Kort fjernet', 'Kártya eltávolítva', 'Kaart verwijderd', 'Cartão removido', 'Kort borttaget', 'Kart çıkarıldı', 'Картку вилучено'],
  reset: ['Vyžadován reset karty', 'Kortnulstilling krævet', 'Kártya visszaállítás szükséges', 'È richiesto il riavvio della scheda', 'Wymagany reset karty', 'Nollställning av kort krävs', 'Kart sıfırlaması gerekiyor', 'Надіслано запит на скидання картки', '卡片需要重設'],
  'pin-blocked': ['PIN\u202fblokován', 'PIN blokeret', 'PIN-kód blokkolva', 'PIN geblokkeerd', 'PIN-kod blockerad', 'PIN bloke oldu', 'Пінкод заблоковано'],
};

/** Texts that are said of other things, too: they count behind a complaint about a card. */
export const ofAnything: Partial<Record<GpgReason, readonly string[]>> = {
  conflict: ['Neslučitelné použití', 'Konfliktende brug', 'Ütköző használat', 'Conflicterend gebruik', 'Konflikt użycia', 'Uso com conflitos', 'Konflikt i användningen', 'Çakışan kullanım', 'Суперечливе використання', '彼此衝突的用法'],
  'not-supported': ['Nepodporováno', 'Ikke understøttet', 'Nem támogatott', 'Nieobsługiwane', 'Insuportado', 'Stöds inte', 'Desteklenmiyor', 'Не підтримується', '未支援'],
  'bad-pin': ['Špatný PIN', 'Ødelagt PIN', 'Rossz PIN-kód', 'Verkeerde PIN', 'Błędny PIN', 'PIN inválido', 'Плохой пароль', 'Felaktig PIN-kod', 'Kötü PIN', 'Помилковий пінкод'],
  hardware: ['Hardwarový problém', 'Maskinelt problem', 'Hardverprobléma', 'Hardwareprobleem', 'Problem sprzętowy', 'Hårdvaruproblem', 'Donanım sorunu', 'Апаратні проблеми', '硬件问题', '硬體問題'],
  'no-data': ['No hay datos', 'Dati assenti', 'データがありません', 'Geen gegevens', 'Brak danych', 'Sem dados', 'Нет данных', 'Inget data', 'Veri yok', 'Немає даних', '无数据', '沒有資料', 'Žádná data'],
  general: ['Obecná chyba', 'Generel fejl', 'Error general', 'Erreur générale', 'Általános hiba', 'Errore generale', '一般エラーです', 'Algemene fout', 'Błąd ogólny', 'Erro genérico', 'Общая ошибка', 'Allmänt fel', 'Genel hata', 'Загальна помилка', '常规错误', '一般錯誤'],
  forbidden: ['Prohibido', '禁止', 'Zabronione', 'Proibido', 'Запрещено', 'Förbjuden', 'Yasaklı', 'Заборонено', 'Zakázán'],
  eof: ['Konec souboru', 'Slutning på fil', 'Fin del fichero', 'Fájl vége', 'Fine del file', 'ファイル終端', 'Einde van bestand', 'Koniec pliku', 'Fim do ficheiro', 'Slut på fil', 'Dosya sonu', 'Кінець файла', '文件结尾', '檔案結尾'],
};
